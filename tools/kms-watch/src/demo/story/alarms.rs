//! What CloudWatch knows before KMS says it.

use aws_sdk_kms::types::OriginType;
use serde_json::json;

use super::Scene;
use crate::demo::error::DemoError;

impl Scene<'_> {
    pub(super) async fn alarms(&mut self) -> Result<(), DemoError> {
        let key = self
            .create(
                OriginType::External,
                "Contracts, with our own key material",
                "alias/contracts",
                "team-legal",
            )
            .await?;
        self.import(&key, 60).await?;
        self.deployed();
        // The alarm of template.yaml: one for all keys, present and future.
        let alarm = json!({
            "AlarmName": "kms-watch-MaterialExpiring",
            "ComparisonOperator": "LessThanThreshold",
            "EvaluationPeriods": 1,
            "Threshold": 30 * 86_400,
            "TreatMissingData": "ignore",
            "Metrics": [{
                "Id": "q1", "Period": 3_600, "ReturnData": true,
                "Expression": "SELECT MIN(SecondsUntilKeyMaterialExpiration) FROM SCHEMA(\"AWS/KMS\", KeyId) \
                               GROUP BY KeyId ORDER BY MIN() ASC",
            }],
        });
        let made = self.stage.aws.call_cloudwatch("PutMetricAlarm", alarm);
        made.map_err(|error| DemoError::Aws(format!("{error:?}")))?;
        self.pass(1);
        self.deployed();
        self.pass(30);
        self.happens("Less than thirty days are left. CloudWatch says that an alarm went off; the mail says which key, and until when.").await?;
        self.pass(1);
        self.import(&key, 300).await?;
        self.pass(1);
        self.happens("The same material is imported again. The alarm ends, and KMS is asked whether that is good news.").await
    }
}
