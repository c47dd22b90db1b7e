//! Who can use a key, and is it on?

use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{GrantOperation, OriginType};
use jiff::SignedDuration;
use serde_json::json;
use watch_local::{KeyStore, NewKey};

use super::{Scene, refused};
use crate::demo::error::DemoError;

impl Scene<'_> {
    pub(super) async fn access(&mut self) -> Result<(), DemoError> {
        let kms = &self.stage.kms;
        let invoices = ("Invoices of all customers", "alias/invoices", "team-pay");
        let key = self
            .create(OriginType::AwsKms, invoices.0, invoices.1, invoices.2)
            .await?;
        let spare = self
            .create(OriginType::AwsKms, "Spare", "alias/spare", "team-pay")
            .await?;
        let encrypt = kms.encrypt().key_id(&key).plaintext(Blob::new("1,200.00"));
        encrypt.send().await.map_err(refused)?;
        // What is there already is learnt from what happens first.
        self.happens("Two keys are made. The watch takes note of them, and tells the feed only.")
            .await?;

        self.opened(&key).await?;

        let grant = kms
            .create_grant()
            .key_id(&key)
            .grantee_principal("arn:aws:iam::444455556666:role/Reports")
            .operations(GrantOperation::Decrypt);
        grant.send().await.map_err(refused)?;
        self.happens("She grants decryption to a role of another company's account.")
            .await?;

        let moved = kms.update_alias().alias_name(invoices.1);
        let moved = moved.target_key_id(&spare);
        moved.send().await.map_err(refused)?;
        self.happens("She moves the alias to the spare key: the record names only the new one.")
            .await?;

        let disable = kms.disable_key().key_id(&key);
        disable.send().await.map_err(refused)?;
        self.happens("She switches the old key off, an hour too early.")
            .await?;

        self.store_lost().await
    }

    /// The policy is opened to everybody, and closed again.
    async fn opened(&mut self, key: &str) -> Result<(), DemoError> {
        let kms = &self.stage.kms;
        self.stage.aws.advance(SignedDuration::from_mins(30));
        let own = json!({"Sid": "Own", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
            "Action": "kms:*", "Resource": "*"});
        let open = json!({"Sid": "Open", "Effect": "Allow", "Principal": "*", "Action": ["kms:Decrypt", "kms:DescribeKey"],
            "Resource": "*"});
        for (statements, what) in [
            (
                json!([own, open]),
                "Maria adds a statement to the key policy, and forgets the condition.",
            ),
            (
                json!([own]),
                "She takes it back a minute later. What was lost is read from the policy before.",
            ),
        ] {
            let policy = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
            let put = kms.put_key_policy().key_id(key).policy(policy);
            put.send().await.map_err(refused)?;
            self.happens(what).await?;
            self.stage.aws.advance(SignedDuration::from_mins(1));
        }
        Ok(())
    }

    async fn store_lost(&mut self) -> Result<(), DemoError> {
        let kms = &self.stage.kms;
        let aws = &self.stage.aws;
        aws.add_key_store(KeyStore::cloud_hsm(
            "cks-4c8f0a6d12e95b73e",
            "cluster-4w7rkxq2mzp",
        ));
        aws.add_key(NewKey::in_store("cks-4c8f0a6d12e95b73e").alias("alias/vault"));
        self.deployed();
        let disconnect = kms.disconnect_custom_key_store();
        let disconnect = disconnect.custom_key_store_id("cks-4c8f0a6d12e95b73e");
        disconnect.send().await.map_err(refused)?;
        self.happens(
            "Somebody disconnects a key store. No key is named in the record, and one is in it.",
        )
        .await
    }
}
