//! Keys that are lost, saved and renewed.

use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::OriginType;
use jiff::SignedDuration;
use serde_json::json;
use watch_local::Service;

use super::{Scene, no_arn, refused};
use crate::demo::error::DemoError;

impl Scene<'_> {
    pub(super) async fn deletion(&mut self) -> Result<(), DemoError> {
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
        self.pass(20);
        for volume in 1..=14 {
            self.serve(
                Service::Ebs,
                &key,
                &format!("vol-0a{volume:03}"),
                "AppServer",
            )?;
        }
        self.serve(Service::Rds, &key, "db-7QK2ORDERS", "Billing")?;
        self.record(&key);
        self.serve(
            Service::SecretsManager,
            &key,
            "orders/api-a1B2c3",
            "ci-deploy",
        )?;
        self.pass(2);
        self.serve(Service::S3, &key, "acme-ledger", "AppServer")?;
        self.stage.aws.advance(SignedDuration::from_hours(7));
        self.deployed();
        kms.encrypt()
            .key_id(&key)
            .plaintext(Blob::new("4111 1111 1111 1111"))
            .send()
            .await
            .map_err(refused)?;
        self.stage.aws.advance(SignedDuration::from_hours(4));
        kms.schedule_key_deletion()
            .key_id(&key)
            .pending_window_in_days(30)
            .send()
            .await
            .map_err(refused)?;
        self.happens(
            "Maria schedules the deletion of a key that encrypted something four hours ago.",
        )
        .await?;

        self.stage.aws.advance(SignedDuration::from_mins(25));
        kms.cancel_key_deletion()
            .key_id(&key)
            .send()
            .await
            .map_err(refused)?;
        self.happens("25 minutes later she cancels it. Few know that the key is now off.")
            .await
    }

    /// A service keeps something under the key.
    fn serve(&self, service: Service, key: &str, what: &str, role: &str) -> Result<(), DemoError> {
        let used = self.stage.aws.encrypt_for(service, key, what, role);
        used.map_err(|error| DemoError::Aws(error.to_string()))
    }

    /// What only AWS Config knows, which the functions of the demo do not ask.
    fn record(&self, key: &str) {
        self.stage.aws.record_configurations(true);
        self.stage.aws.add_configuration(json!({
            "resourceType": "AWS::RDS::DBSnapshot", "resourceId": "orders-before-2025",
            "arn": "arn:aws:rds:us-east-1:111122223333:snapshot:orders-before-2025",
            "configuration": {"kmsKeyId": key},
        }));
    }

    pub(super) async fn obituary(&mut self) -> Result<(), DemoError> {
        let kms = &self.stage.kms;
        let key = self
            .create(
                OriginType::AwsKms,
                "Web sessions until 2026",
                "alias/sessions-old",
                "team-web",
            )
            .await?;
        kms.encrypt()
            .key_id(&key)
            .plaintext(Blob::new("a session"))
            .send()
            .await
            .map_err(refused)?;
        self.deployed();
        self.pass(100);
        kms.schedule_key_deletion()
            .key_id(&key)
            .pending_window_in_days(7)
            .send()
            .await
            .map_err(refused)?;
        self.happens("A key unused for 100 days is scheduled for deletion, with the shortest waiting period.").await?;
        self.pass(6);
        self.everything_comes_twice();
        self.pass(1);
        self.stage.aws.advance(SignedDuration::from_mins(1));
        self.happens(
            "KMS deleted the key. The ledger knows its name. AWS tells of the deletion four times.",
        )
        .await
    }

    pub(super) async fn rotation(&mut self) -> Result<(), DemoError> {
        let kms = &self.stage.kms;
        let key = self
            .create(
                OriginType::AwsKms,
                "Documents of the archive",
                "alias/archive",
                "team-docs",
            )
            .await?;
        kms.enable_key_rotation()
            .key_id(&key)
            .rotation_period_in_days(90)
            .send()
            .await
            .map_err(refused)?;
        self.deployed();
        kms.rotate_key_on_demand()
            .key_id(&key)
            .send()
            .await
            .map_err(refused)?;
        self.stage.aws.advance(SignedDuration::from_mins(10));
        self.happens("Maria has the key rotated at once. That she asked is one thing, told once; that it was done another, told twice.")
            .await?;
        self.pass(90);
        self.happens("KMS rotates it by itself.").await?;
        kms.disable_key_rotation()
            .key_id(&key)
            .send()
            .await
            .map_err(refused)?;
        self.happens("Somebody finds that once is enough.").await
    }

    pub(super) async fn expiry(&mut self) -> Result<(), DemoError> {
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
        self.pass(30);
        self.happens("Nobody thought of it in time.").await
    }

    pub(super) async fn replicas(&mut self) -> Result<(), DemoError> {
        let kms = &self.stage.kms;
        let created = kms
            .create_key()
            .multi_region(true)
            .description("Sessions of the global web shop")
            .send()
            .await;
        let key = created
            .map_err(refused)?
            .key_metadata
            .and_then(|metadata| metadata.arn)
            .ok_or_else(no_arn)?;
        kms.replicate_key()
            .key_id(&key)
            .replica_region("eu-west-1")
            .send()
            .await
            .map_err(refused)?;
        self.stage.aws.advance(SignedDuration::from_mins(10));
        self.deployed();
        kms.schedule_key_deletion()
            .key_id(&key)
            .pending_window_in_days(7)
            .send()
            .await
            .map_err(refused)?;
        self.happens(
            "The primary key is scheduled for deletion. It has no date: its replica still lives.",
        )
        .await?;
        self.pass(3);
        let id = key.rsplit('/').next().unwrap_or_default();
        let request = json!({ "KeyId": id, "PendingWindowInDays": 7 });
        let scheduled = self
            .stage
            .aws
            .call_in("eu-west-1", "ScheduleKeyDeletion", request);
        scheduled.map_err(|error| DemoError::Aws(error.to_string()))?;
        self.happens("The replica is scheduled, too.").await?;
        self.pass(7);
        self.happens("The replica is gone. Its waiting period over, that of the primary begins, and no event says so.").await
    }
}
