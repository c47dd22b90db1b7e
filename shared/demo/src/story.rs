//! The story, in chapters. Each has keys and an AWS of its own, so that it can be told alone.

use aws_sdk_kms::error::ProvideErrorMetadata;
use aws_sdk_kms::primitives::{Blob, DateTime};
use aws_sdk_kms::types::{AlgorithmSpec, ExpirationModelType, OriginType, Tag, WrappingKeySpec};
use jiff::{SignedDuration, ToSpan};
use watch_local::Options;

use crate::error::DemoError;
use crate::show::Show;
use crate::stage::{Attempt, Stage};

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
    Trouble = "trouble", "KMS refuses, SNS fails, and nothing is lost";
}

impl Chapter {
    pub(crate) fn find(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|chapter| chapter.name() == name)
    }
}

/// Tells the chapters: real calls are made, time passes, events flow, alerts appear.
pub(crate) async fn tell(
    chapters: &[Chapter],
    seed: u64,
    show: &mut Show,
) -> Result<(), DemoError> {
    show.note("An AWS on this machine, keys in it, and time that passes as we like.")?;
    for (number, chapter) in (1_usize..).zip(chapters) {
        show.chapter(number, chapter.title())?;
        let stage = Stage::new(Options {
            seed,
            ..Options::default()
        })?;
        let mut scene = Scene {
            start: stage.aws.now(),
            stage: &stage,
            show: &mut *show,
        };
        match chapter {
            Chapter::Deletion => scene.deletion().await?,
            Chapter::Obituary => scene.obituary().await?,
            Chapter::Rotation => scene.rotation().await?,
            Chapter::Expiry => scene.expiry().await?,
            Chapter::Replicas => scene.replicas().await?,
            Chapter::Trouble => scene.trouble().await?,
        }
    }
    Ok(())
}

/// A chapter while it is told.
struct Scene<'a> {
    start: jiff::Timestamp,
    stage: &'a Stage,
    show: &'a mut Show,
}

impl Scene<'_> {
    async fn deletion(&mut self) -> Result<(), DemoError> {
        let kms = &self.stage.kms;
        let key = self
            .create(
                OriginType::AwsKms,
                "Card data of the orders database",
                "alias/payments",
                "team-pay",
            )
            .await?;
        self.deployed();
        self.pass(22).await?;
        kms.encrypt()
            .key_id(&key)
            .plaintext(Blob::new("4111 1111 1111 1111"))
            .send()
            .await
            .map_err(failed)?;
        self.stage.aws.advance(SignedDuration::from_hours(4));
        kms.schedule_key_deletion()
            .key_id(&key)
            .pending_window_in_days(30)
            .send()
            .await
            .map_err(failed)?;
        self.happens(
            "Maria schedules the deletion of a key that encrypted something four hours ago.",
        )
        .await?;

        self.stage.aws.advance(SignedDuration::from_mins(25));
        kms.cancel_key_deletion()
            .key_id(&key)
            .send()
            .await
            .map_err(failed)?;
        self.happens("25 minutes later she cancels it. Few know that the key is now off.")
            .await
    }

    async fn obituary(&mut self) -> Result<(), DemoError> {
        let kms = &self.stage.kms;
        let key = self
            .create(
                OriginType::AwsKms,
                "Web sessions until 2025",
                "alias/sessions-old",
                "team-web",
            )
            .await?;
        self.deployed();
        kms.schedule_key_deletion()
            .key_id(&key)
            .pending_window_in_days(7)
            .send()
            .await
            .map_err(failed)?;
        self.happens("A key that nobody ever used is scheduled for deletion, with the shortest waiting period.").await?;
        self.pass(7).await?;
        self.happens("The waiting period is over. AWS tells it twice, and can no longer say which key it was.").await
    }

    async fn rotation(&mut self) -> Result<(), DemoError> {
        let kms = &self.stage.kms;
        let key = self
            .create(
                OriginType::AwsKms,
                "Card data of the orders database",
                "alias/payments",
                "team-pay",
            )
            .await?;
        kms.enable_key_rotation()
            .key_id(&key)
            .rotation_period_in_days(90)
            .send()
            .await
            .map_err(failed)?;
        self.deployed();
        kms.rotate_key_on_demand()
            .key_id(&key)
            .send()
            .await
            .map_err(failed)?;
        self.stage.aws.advance(SignedDuration::from_mins(10));
        self.happens("Maria has the key rotated at once. AWS tells it three ways.")
            .await?;
        self.pass(90).await?;
        self.happens("KMS rotates it by itself.").await?;
        kms.disable_key_rotation()
            .key_id(&key)
            .send()
            .await
            .map_err(failed)?;
        self.happens("Somebody finds that once is enough.").await
    }

    async fn expiry(&mut self) -> Result<(), DemoError> {
        let key = self
            .create(
                OriginType::External,
                "Ledger, material from our own HSM",
                "alias/ledger",
                "team-fin",
            )
            .await?;
        self.deployed();
        self.import(&key, 30).await?;
        self.happens("Key material is imported. It works for 30 days.")
            .await?;
        self.pass(30).await?;
        self.happens("Nobody thought of it in time.").await
    }

    async fn replicas(&mut self) -> Result<(), DemoError> {
        let kms = &self.stage.kms;
        let created = kms
            .create_key()
            .multi_region(true)
            .description("Sessions of the global web shop")
            .send()
            .await;
        let key = created
            .map_err(failed)?
            .key_metadata
            .and_then(|metadata| metadata.arn)
            .ok_or_else(no_arn)?;
        kms.replicate_key()
            .key_id(&key)
            .replica_region("eu-west-1")
            .send()
            .await
            .map_err(failed)?;
        self.stage.aws.advance(SignedDuration::from_mins(10));
        self.deployed();
        kms.schedule_key_deletion()
            .key_id(&key)
            .pending_window_in_days(7)
            .send()
            .await
            .map_err(failed)?;
        self.happens(
            "The primary key is scheduled for deletion. It has no date: its replica still lives.",
        )
        .await?;
        self.pass(3).await?;
        let id = key.rsplit('/').next().unwrap_or_default();
        let request = serde_json::json!({ "KeyId": id, "PendingWindowInDays": 7 });
        let scheduled = self
            .stage
            .aws
            .call_in("eu-west-1", "ScheduleKeyDeletion", request);
        scheduled.map_err(|error| DemoError::Aws(error.to_string()))?;
        self.happens("The replica is scheduled, too.").await?;
        self.pass(7).await?;
        self.happens("The replica is gone. Its waiting period over, that of the primary begins, and no event says so.").await
    }

    async fn trouble(&mut self) -> Result<(), DemoError> {
        let kms = &self.stage.kms;
        let key = self
            .create(
                OriginType::AwsKms,
                "Card data of the orders database",
                "alias/payments",
                "team-pay",
            )
            .await?;
        self.deployed();
        let faults = self.stage.aws.faults();
        faults
            .deny("DescribeKey")
            .deny("GetKeyLastUsage")
            .throttle("ListResourceTags", 100);
        kms.schedule_key_deletion()
            .key_id(&key)
            .pending_window_in_days(7)
            .send()
            .await
            .map_err(failed)?;
        self.happens("KMS denies some reads and throttles others: the alert goes out, and says what it does not know.").await?;
        self.stage.aws.faults().clear();
        kms.cancel_key_deletion()
            .key_id(&key)
            .send()
            .await
            .map_err(failed)?;
        // More often than the SDK tries.
        self.stage.aws.faults().fail("Publish", 9);
        self.happens("SNS is down: the invocation fails, and Lambda tries it again.")
            .await
    }

    /// What was before is not the watch's business.
    fn deployed(&self) {
        self.stage.aws.take_events();
    }

    /// Days pass, and are seen to pass.
    async fn pass(&mut self, days: u32) -> Result<(), DemoError> {
        let today = self.day();
        for passed in 1..=days {
            self.stage.aws.advance_days(1);
            self.show.day(today + i64::from(passed), days).await?;
        }
        Ok(())
    }

    fn day(&self) -> i64 {
        self.stage.aws.now().duration_since(self.start).as_hours() / 24
    }

    /// Hands what AWS has sent to the functions, as Lambda does: up to three times.
    async fn happens(&mut self, what: &str) -> Result<(), DemoError> {
        self.show.scene(&format!("day {}", self.day()), what)?;
        for event in self.stage.aws.take_events() {
            for attempt in 1..=3 {
                match self.stage.route(&event).await? {
                    Attempt::Told(tellings) => {
                        for telling in &tellings {
                            self.show.telling(telling)?;
                        }
                        break;
                    }
                    Attempt::Ignored(_) => break,
                    Attempt::Failed(error) => self.show.failed(attempt, &error)?,
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
            .map_err(failed)?;
        let arn = created
            .key_metadata
            .and_then(|metadata| metadata.arn)
            .ok_or_else(no_arn)?;
        kms.create_alias()
            .alias_name(alias)
            .target_key_id(&arn)
            .send()
            .await
            .map_err(failed)?;
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
            .map_err(failed)?;
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
            .map_err(failed)?;
        Ok(())
    }
}

fn no_arn() -> DemoError {
    DemoError::Aws("CreateKey answered without an ARN".to_owned())
}

fn failed(error: impl ProvideErrorMetadata) -> DemoError {
    let (code, message) = (
        error.code().unwrap_or("no code"),
        error.message().unwrap_or("no message"),
    );
    DemoError::Aws(format!("{code}: {message}"))
}
