//! A key that cannot be used is still needed.

use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::OriginType;
use jiff::SignedDuration;
use watch_local::Caller;

use super::{Scene, refused};
use crate::demo::error::DemoError;
use crate::demo::show::Detail;

impl Scene<'_> {
    pub(super) async fn misuse(&mut self) -> Result<(), DemoError> {
        let (kms, aws) = (&self.stage.kms, &self.stage.aws);
        let key = self
            .create(
                OriginType::AwsKms,
                "Backups of the old shop",
                "alias/backups",
                "team-shop",
            )
            .await?;
        let schedule = kms.schedule_key_deletion().key_id(&key);
        let schedule = schedule.pending_window_in_days(7);
        schedule.send().await.map_err(refused)?;
        self.deployed();

        aws.as_caller(Caller::assumed_role("RestoreJob", "nightly").from_ip("198.51.100.24"));
        self.restore(&key).await?;
        self.happens(
            "A job that nobody thought of needs a key that is pending deletion. AWS's own alarm would say neither which key \
             nor who.",
        )
        .await?;
        for attempt in 2..=3 {
            aws.advance(SignedDuration::from_mins(5));
            self.restore(&key).await?;
            self.begins(&format!(
                "Attempt {attempt}, in the same hour: counted, not told."
            ))?;
            self.deliver(Detail::Brief).await?;
        }
        aws.advance(SignedDuration::from_mins(60));
        self.restore(&key).await?;
        self.happens("Attempt 4, an hour later: told, with the number of those between.")
            .await?;

        aws.faults().deny("DisableKey");
        aws.as_caller(Caller::assumed_role("Intern", "tom").from_ip("203.0.113.9"));
        let other = kms.disable_key().key_id(&key);
        drop(other.send().await);
        aws.faults().clear();
        self.happens("Somebody tries to switch it off, and may not.")
            .await
    }

    /// Uses the key, which fails: that is the point.
    async fn restore(&self, key: &str) -> Result<(), DemoError> {
        let encrypt = self.stage.kms.encrypt().key_id(key);
        let encrypt = encrypt.plaintext(Blob::new("a backup")).send().await;
        match encrypt {
            Ok(_) => Err(DemoError::Aws("a key pending deletion encrypts".to_owned())),
            Err(_) => Ok(()),
        }
    }
}
