//! The ledger's adapter on moto's DynamoDB.

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use watch_aws::DynamoDbAdapter;

use crate::{port, server};

/// Not that of the comparison, which lists all tables there.
pub(crate) const REGION: &str = "us-east-1";

/// Makes a ledger's table.
pub(crate) async fn create_table(name: &str) -> aws_sdk_dynamodb::Client {
    let config = watch_aws::sdk::local(&format!("http://{}", server::address()), REGION);
    let client = aws_sdk_dynamodb::Client::new(&config);
    let mut call = client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest);
    for (name, kind) in [("pk", KeyType::Hash), ("sk", KeyType::Range)] {
        let part = KeySchemaElement::builder()
            .attribute_name(name)
            .key_type(kind);
        let attribute = AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(ScalarAttributeType::S);
        call = call
            .key_schema(part.build().unwrap())
            .attribute_definitions(attribute.build().unwrap());
    }
    call.send().await.unwrap();
    client
}

#[tokio::test]
#[ignore = "needs moto: run by .ci/run"]
async fn the_adapter_on_moto_is_a_ledger() {
    let table = "the-port";
    create_table(table).await;
    let config = watch_aws::sdk::local(&format!("http://{}", server::address()), REGION);
    let ledger = DynamoDbAdapter::new(&config, table);
    port::conforms(&ledger).await;
    port::is_a_table(&ledger).await;
}
