//! The same calls of the SNS SDK to both: what a topic takes and what it refuses.

use aws_sdk_sns::Client;
use aws_sdk_sns::types::MessageAttributeValue;

use crate::side::Side;

const MOST: usize = 262_144;

fn attribute(data_type: &str, value: &str) -> MessageAttributeValue {
    MessageAttributeValue::builder()
        .data_type(data_type)
        .string_value(value)
        .build()
        .unwrap()
}

pub(crate) async fn script(side: &mut Side) {
    let sns = side.sns.clone();
    topics(side, &sns).await;
    let topic = side.topic("alerts").await;
    messages(side, &sns, &topic).await;
    attributes(side, &sns, &topic).await;
}

impl Side {
    /// A topic on either side.
    pub(crate) async fn topic(&self, name: &str) -> String {
        let made = self.sns.create_topic().name(name).send().await.unwrap();
        made.topic_arn.unwrap()
    }
}

async fn topics(side: &mut Side, sns: &Client) {
    for (step, name) in [
        ("create", "ledger"),
        ("create again", "ledger"),
        ("create with a space", "two words"),
        ("create without name", ""),
        ("create too long", &"t".repeat(257)),
    ] {
        side.step(
            format!("topic: {step}"),
            sns.create_topic().name(name).send(),
        )
        .await;
    }
    let known = "arn:aws:sns:eu-west-3:123456789012:ledger";
    let unknown = "arn:aws:sns:eu-west-3:123456789012:nobody";
    for (step, arn) in [("unknown topic", unknown), ("no ARN", "ledger")] {
        side.step(
            format!("topic: attributes of {step}"),
            sns.get_topic_attributes().topic_arn(arn).send(),
        )
        .await;
        side.step(
            format!("publish: to {step}"),
            sns.publish().topic_arn(arn).message("m").send(),
        )
        .await;
    }
    side.step(
        "publish: by target",
        sns.publish().target_arn(known).message("m").send(),
    )
    .await;
    side.step("publish: to nothing", sns.publish().message("m").send())
        .await;
}

async fn messages(side: &mut Side, sns: &Client, topic: &str) {
    let publish = || sns.publish().topic_arn(topic);
    side.step("publish: text", publish().message("Grüße 🔑\n").send())
        .await;
    side.step("publish: empty", publish().message("").send())
        .await;
    side.step(
        "publish: longest",
        publish().message("m".repeat(MOST)).send(),
    )
    .await;
    side.step(
        "publish: too long",
        publish().message("m".repeat(MOST + 1)).send(),
    )
    .await;
    side.step(
        "publish: too long in bytes only",
        publish().message("é".repeat(MOST / 2 + 1)).send(),
    )
    .await;
    let with_attribute = publish()
        .message("m".repeat(MOST - 7))
        .message_attributes("a", attribute("String", "v"));
    side.step("publish: too long with attributes", with_attribute.send())
        .await;
    for (step, subject) in [
        ("short", "CRITICAL: a key is going"),
        ("99", &"s".repeat(99)),
        ("100", &"s".repeat(100)),
        ("101", &"s".repeat(101)),
        ("empty", ""),
        ("two lines", "two\nlines"),
        ("tab", "tab\there"),
        ("leading space", " leading"),
        ("not ASCII", "Schlüssel gelöscht"),
    ] {
        let call = publish().message("m").subject(subject).send();
        side.step(format!("publish: subject: {step}"), call).await;
    }
    for (step, message) in [
        ("good", r#"{"default":"d","email":"e"}"#),
        ("without default", r#"{"email":"e"}"#),
        ("no JSON", "plain"),
        ("no object", r#"["default"]"#),
        ("default no text", r#"{"default":{"a":1}}"#),
    ] {
        let call = publish().message(message).message_structure("json").send();
        side.step(format!("publish: structure: {step}"), call).await;
    }
    let call = publish().message("m").message_structure("xml").send();
    side.step("publish: structure: xml", call).await;
}

async fn attributes(side: &mut Side, sns: &Client, topic: &str) {
    let publish = || sns.publish().topic_arn(topic).message("m");
    for (step, name, data_type, value) in [
        ("text", "severity", "String", "CRITICAL — now"),
        ("number", "score", "Number", "40.5"),
        ("array", "accounts", "String.Array", r#"["1","2"]"#),
        ("custom type", "colour", "String.colour", "red"),
        ("empty value", "severity", "String", ""),
        ("no number", "score", "Number", "many"),
        ("no array", "accounts", "String.Array", "a,b"),
        ("unknown type", "x", "Text", "v"),
        ("reserved name", "AWS.x", "String", "v"),
        ("name with a space", "two words", "String", "v"),
        ("name with dots", "a..b", "String", "v"),
        ("name too long", &"n".repeat(257), "String", "v"),
    ] {
        let call = publish().message_attributes(name, attribute(data_type, value));
        side.step(format!("publish: attribute: {step}"), call.send())
            .await;
    }
    for count in [10, 11] {
        let mut call = publish();
        for number in 0..count {
            call = call.message_attributes(format!("a{number}"), attribute("String", "v"));
        }
        side.step(format!("publish: {count} attributes"), call.send())
            .await;
    }
}
