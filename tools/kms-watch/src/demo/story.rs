//! The story, in chapters. Each has keys and an AWS of its own, so that it can be told alone.

mod access;
mod alarms;
mod burst;
mod inventory;
mod keys;
mod misuse;
mod trouble;

use aws_sdk_kms::error::ProvideErrorMetadata;
use aws_sdk_kms::primitives::{Blob, DateTime};
use aws_sdk_kms::types::{AlgorithmSpec, ExpirationModelType, OriginType, Tag, WrappingKeySpec};
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde_json::Value;
use watch_core::pipeline::Verdict;
use watch_local::{Delivery, Options};

use crate::demo::chapter::Chapter;
use crate::demo::error::DemoError;
use crate::demo::show::{Detail, Show};
use crate::demo::stage::{Attempt, Function, Stage, Teller, Telling};

/// How often Lambda tries an event (Lambda Developer Guide, asynchronous invocation).
const ATTEMPTS: u32 = 3;

/// Tells the chapters. The stages are left as they stand at the end of each.
pub(crate) async fn tell(
    chapters: &[Chapter],
    seed: u64,
    show: &mut Show,
) -> Result<Vec<Stage>, DemoError> {
    let mut stages = Vec::new();
    show.note("An AWS on this machine, keys in it, and time that passes as we like.")?;
    for (number, told) in (1_usize..).zip(chapters) {
        show.chapter(number, told.title())?;
        stages.push(chapter(*told, seed, show).await?);
    }
    Ok(stages)
}

/// Tells one chapter: real calls are made, time passes, events flow, alerts appear.
pub(crate) async fn chapter(
    chapter: Chapter,
    seed: u64,
    show: &mut Show,
) -> Result<Stage, DemoError> {
    let stage = Stage::new(Options {
        seed: chapter.seed(seed),
        // CloudTrail records uses of keys too, which only the rules of key-misuse match, and which say what depends on a key.
        read_only_events: matches!(chapter, Chapter::Misuse | Chapter::Deletion),
        ..Options::default()
    })?;
    let mut scene = Scene {
        start: stage.aws.now(),
        stage: &stage,
        show,
    };
    match chapter {
        Chapter::Deletion => scene.deletion().await?,
        Chapter::Obituary => scene.obituary().await?,
        Chapter::Rotation => scene.rotation().await?,
        Chapter::Expiry => scene.expiry().await?,
        Chapter::Replicas => scene.replicas().await?,
        Chapter::Burst => scene.burst().await?,
        Chapter::Access => scene.access().await?,
        Chapter::Misuse => scene.misuse().await?,
        Chapter::Alarms => scene.alarms().await?,
        Chapter::Sweep => scene.sweep().await?,
        Chapter::Trouble => scene.trouble().await?,
    }
    Ok(stage)
}

/// A chapter while it is told.
struct Scene<'a> {
    start: Timestamp,
    stage: &'a Stage,
    show: &'a mut Show,
}

impl Scene<'_> {
    /// What was before is not the watch's business.
    fn deployed(&self) {
        self.stage.aws.take_events();
    }

    /// EventBridge promises each event once at least, and KMS sends that of a deletion several times.
    fn everything_comes_twice(&self) {
        self.stage.aws.set_delivery(Delivery {
            duplicates: 1.0,
            ..Delivery::default()
        });
    }

    /// Days pass.
    fn pass(&self, days: u32) {
        for _ in 0..days {
            self.stage.aws.advance_days(1);
        }
    }

    fn day(&self) -> i64 {
        self.stage.aws.now().duration_since(self.start).as_hours() / 24
    }

    /// Something has happened: the functions handle what AWS sends, and every mail is shown.
    async fn happens(&mut self, what: &str) -> Result<(), DemoError> {
        self.begins(what)?;
        self.deliver(Detail::Whole).await
    }

    /// A scene begins.
    fn begins(&mut self, what: &str) -> Result<(), DemoError> {
        self.show.scene(&format!("day {}", self.day()), what)
    }

    /// Hands what AWS has sent to the functions.
    async fn deliver(&mut self, detail: Detail) -> Result<(), DemoError> {
        for event in self.stage.aws.take_events() {
            self.arrives(&event, detail).await?;
        }
        Ok(())
    }

    /// An event arrives at the functions that the rules lead it to.
    async fn arrives(&mut self, event: &Value, detail: Detail) -> Result<(), DemoError> {
        for function in self.stage.routed(event) {
            self.invoke(function, event, detail).await?;
        }
        Ok(())
    }

    /// Invokes a function as Lambda does: again if it fails, after one minute and after two more.
    async fn invoke(
        &mut self,
        function: &Function,
        event: &Value,
        detail: Detail,
    ) -> Result<(), DemoError> {
        let request = self.stage.request();
        let mut attempts = Vec::new();
        for attempt in 1..=ATTEMPTS {
            let Attempt { result, posts } = self.stage.invoke(function, event, &request).await;
            match result {
                Ok(outcome) if outcome.verdict == Verdict::Ignored => break,
                Ok(outcome) => {
                    attempts.push(posts);
                    let telling = Telling {
                        function: function.watch.function,
                        teller: Teller::of(event),
                        outcome,
                        attempts,
                    };
                    return self.show.telling(&telling, detail);
                }
                Err(error) => {
                    self.show.failed(attempt, &error, &posts)?;
                    attempts.push(posts);
                    let pause = SignedDuration::from_mins(attempt.into());
                    self.stage.aws.advance(pause);
                }
            }
        }
        Ok(())
    }

    async fn create(
        &self,
        origin: OriginType,
        about: &str,
        alias: &str,
        owner: &str,
    ) -> Result<String, DemoError> {
        let kms = &self.stage.kms;
        let tag = Tag::builder().tag_key("Owner").tag_value(owner).build();
        let tag = tag.map_err(|error| DemoError::Aws(error.to_string()))?;
        let created = kms
            .create_key()
            .origin(origin)
            .description(about)
            .tags(tag)
            .send()
            .await
            .map_err(refused)?;
        let arn = created
            .key_metadata
            .and_then(|metadata| metadata.arn)
            .ok_or_else(no_arn)?;
        kms.create_alias()
            .alias_name(alias)
            .target_key_id(&arn)
            .send()
            .await
            .map_err(refused)?;
        Ok(arn)
    }

    async fn import(&self, key: &str, days: i64) -> Result<(), DemoError> {
        let kms = &self.stage.kms;
        let parameters = kms
            .get_parameters_for_import()
            .key_id(key)
            .wrapping_algorithm(AlgorithmSpec::RsaesOaepSha256)
            .wrapping_key_spec(WrappingKeySpec::Rsa4096)
            .send()
            .await
            .map_err(refused)?;
        let valid_to = self.stage.aws.now().saturating_add((days * 24).hours());
        let valid_to = valid_to.map_err(|error| DemoError::Aws(error.to_string()))?;
        kms.import_key_material()
            .key_id(key)
            .set_import_token(parameters.import_token)
            .encrypted_key_material(Blob::new([7_u8; 512]))
            .expiration_model(ExpirationModelType::KeyMaterialExpires)
            .valid_to(DateTime::from_secs(valid_to.as_second()))
            .send()
            .await
            .map_err(refused)?;
        Ok(())
    }
}

fn no_arn() -> DemoError {
    DemoError::Aws("CreateKey answered without an ARN".to_owned())
}

fn refused(error: impl ProvideErrorMetadata) -> DemoError {
    DemoError::refused(&error)
}
