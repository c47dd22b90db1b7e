//! Coverage-guided fuzzing: inputs, the world that they meet, and what must hold whatever they are.
//!
//! | module | what it holds |
//! |---|---|
//! | [`target`] | what is done with an input, and what must hold: one file a target |
//! | [`world`] | KMS, topics and clock, with the answers that the input chooses |
//! | [`messages`] | what must hold of every message |
//! | [`mutate`] | how a new input is made of others: as JSON, not as bytes |
//! | [`samples`] | the events of `events/`, and what else inputs are made of |
//!
//! An input is a JSON document, so that whoever sees one that failed can read it. Nothing here needs libFuzzer: the
//! programs in `targets/` give these functions to it, and without it run the inputs that they are given. `README.md`
//! says how to run them, and `docs/adr/0020` why they are made like this.

pub mod messages;
pub mod mutate;
pub mod samples;
pub mod target;
pub mod world;

/// What did not hold, in words. `Ok` says nothing about an input that is none.
pub type Verdict = Result<(), String>;

/// Makes the program of a target: for libFuzzer if it is compiled with it, and else for inputs by hand.
#[macro_export]
macro_rules! program {
    ($name:literal, $run:path) => {
        #[cfg(fuzzing)]
        libfuzzer_sys::fuzz_target!(
            init: $crate::samples::begin($name),
            |data: &[u8]| -> libfuzzer_sys::Corpus {
            let Ok(input) = serde_json::from_slice(data) else {
                return libfuzzer_sys::Corpus::Reject;
            };
            if let Err(problem) = $run(&input) {
                panic!("{problem}");
            }
            libfuzzer_sys::Corpus::Keep
        });

        #[cfg(fuzzing)]
        libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
            $crate::mutate::bytes(data, size, max_size, u64::from(seed))
        });

        #[cfg(fuzzing)]
        libfuzzer_sys::fuzz_crossover!(|one: &[u8], other: &[u8], out: &mut [u8], seed: u32| {
            $crate::mutate::cross(one, other, out, u64::from(seed))
        });

        #[cfg(not(fuzzing))]
        fn main() -> Result<(), String> {
            $crate::target::replay(std::env::args_os().skip(1), $run)
        }
    };
}
