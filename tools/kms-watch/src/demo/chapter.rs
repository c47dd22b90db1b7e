//! The chapters of the story.

/// A chapter: its name on the command line, and what it is about.
macro_rules! chapters {
    ($($chapter:ident = $name:literal, $title:literal;)+) => {
        /// A part of the story.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Chapter {
            $($chapter,)+
        }

        impl Chapter {
            pub(crate) const ALL: &[Self] = &[$(Self::$chapter,)+];

            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$chapter => $name,)+ }
            }

            pub(crate) fn title(self) -> &'static str {
                match self { $(Self::$chapter => $title,)+ }
            }
        }
    };
}

chapters! {
    Deletion = "deletion", "A key in use is scheduled for deletion, and saved";
    Obituary = "obituary", "A key that nobody saved";
    Rotation = "rotation", "New key material, on demand and by itself";
    Expiry = "expiry", "Imported key material reaches its end";
    Replicas = "replicas", "A multi-Region key dies from its leaves";
    Burst = "burst", "One hand schedules the deletion of thirty keys";
    Access = "access", "A public policy, a foreign grant, an alias that moved, a key that is off";
    Misuse = "misuse", "Who still needs a key that cannot be used";
    Alarms = "alarms", "An alarm goes off, and is over";
    Sweep = "sweep", "The event that never came";
    Trouble = "trouble", "KMS refuses, the ledger fails, SNS fails, and nothing is lost or told twice";
}

impl Chapter {
    /// Those that show the point: a key is scheduled for deletion and saved, one is deleted and still named.
    pub(crate) const POINT: &[Self] = &[Self::Deletion, Self::Obituary];

    pub(crate) fn find(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|chapter| chapter.name() == name)
    }

    /// No two chapters have a key in common, told alone or together.
    pub(crate) fn seed(self, seed: u64) -> u64 {
        let position = Self::ALL.iter().position(|chapter| *chapter == self);
        let position = position.and_then(|position| u64::try_from(position).ok());
        seed.wrapping_add(position.unwrap_or_default() << 32)
    }
}
