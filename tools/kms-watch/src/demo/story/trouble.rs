//! Everything that the watch needs fails once.

use aws_sdk_kms::types::OriginType;
use jiff::SignedDuration;

use super::{Scene, refused};
use crate::demo::error::DemoError;
use crate::demo::show::Detail;
use crate::demo::stage::PEOPLE;

/// How often the SDK tries to publish.
const TRIES: u32 = 3;

impl Scene<'_> {
    pub(super) async fn trouble(&mut self) -> Result<(), DemoError> {
        let aws = &self.stage.aws;
        let key = self
            .create(
                OriginType::AwsKms,
                "Orders of the last ten years",
                "alias/orders",
                "team-pay",
            )
            .await?;
        self.deployed();
        aws.faults()
            .deny("DescribeKey")
            .deny("GetKeyLastUsage")
            .throttle("ListResourceTags", 100);
        self.schedule(&key).await?;
        self.happens("KMS denies some reads and throttles others: the alert goes out, and says what it does not know.").await?;

        aws.faults().clear().deny("dynamodb:*");
        self.cancel(&key).await?;
        self.happens(
            "The ledger denies everything: the alert goes out, and says that it may come twice.",
        )
        .await?;

        aws.faults().clear().fail("Publish", 3 * TRIES);
        aws.advance(SignedDuration::from_mins(10));
        self.schedule(&key).await?;
        self.begins("SNS is down: the invocation fails, and Lambda tries it again.")?;
        self.deliver(Detail::Brief).await?;

        let people = aws.create_topic(PEOPLE);
        aws.faults().clear();
        aws.faults().on(&people).fail("Publish", TRIES);
        aws.advance(SignedDuration::from_mins(10));
        self.everything_comes_twice();
        self.cancel(&key).await?;
        aws.advance(SignedDuration::from_mins(1));
        self.begins(
            "SNS refuses one topic: the ledger notes who was told, so that the retry serves only the topic still owed. \
             Then EventBridge delivers the event once more.",
        )?;
        self.deliver(Detail::Brief).await?;
        self.show.tally()
    }

    async fn schedule(&self, key: &str) -> Result<(), DemoError> {
        let call = self.stage.kms.schedule_key_deletion().key_id(key);
        let call = call.pending_window_in_days(7);
        call.send().await.map(drop).map_err(refused)
    }

    async fn cancel(&self, key: &str) -> Result<(), DemoError> {
        let call = self.stage.kms.cancel_key_deletion().key_id(key);
        call.send().await.map(drop).map_err(refused)
    }
}
