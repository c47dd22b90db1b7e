//! CloudWatch on the wire: the bytes of RPC v2 with CBOR.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod common;

use common::{Client, Reply};
use kms_local::{LocalAws, Options, Policy, Statement};

const AUTHORIZATION: &str =
    "AWS4-HMAC-SHA256 Credential=AKIATEST/20261120/us-east-1/monitoring/aws4_request";

fn text(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).unwrap();
    let head = if length < 24 {
        vec![0x60 | length]
    } else {
        vec![0x78, length]
    };
    [head, text.as_bytes().to_vec()].concat()
}

/// A map of indefinite length, as the SDK writes them.
fn map(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let members = members
        .iter()
        .flat_map(|(name, value)| [text(name), value.clone()].concat());
    [0xbf].into_iter().chain(members).chain([0xff]).collect()
}

fn call(client: &mut Client, operation: &str, body: &[u8], authorization: &str) -> Reply {
    let path = format!("/service/GraniteServiceVersion20100801/operation/{operation}");
    let mut headers = vec![
        ("smithy-protocol", "rpc-v2-cbor"),
        ("content-type", "application/cbor"),
    ];
    if !authorization.is_empty() {
        headers.push(("authorization", authorization));
    }
    client.send("POST", &path, &headers, body).unwrap()
}

fn holds(reply: &Reply, bytes: &[u8]) -> bool {
    reply
        .body
        .windows(bytes.len())
        .any(|window| window == bytes)
}

fn alarm() -> Vec<u8> {
    map(&[
        ("AlarmName", text("failures")),
        ("Namespace", text("KmsWatch")),
        ("MetricName", text("Failures")),
        ("Statistic", text("Sum")),
        ("Period", vec![0x18, 60]),
        ("EvaluationPeriods", vec![1]),
        // 1.0 as half, single and double precision are all the same.
        ("Threshold", vec![0xf9, 0x3c, 0x00]),
        ("ComparisonOperator", text("GreaterThanThreshold")),
    ])
}

#[test]
fn an_alarm_is_put_and_read() {
    let aws = LocalAws::start(Options::default()).unwrap();
    let mut client = Client::connect(&aws.endpoint_url());
    let put = call(&mut client, "PutMetricAlarm", &alarm(), AUTHORIZATION);
    assert_eq!(put.status, 200);
    assert_eq!(put.headers["smithy-protocol"], "rpc-v2-cbor");
    assert_eq!(put.headers["content-type"], "application/cbor");
    assert_eq!(put.body, [0xa0], "an empty map");
    let read = call(&mut client, "DescribeAlarms", &[0xa0], AUTHORIZATION);
    assert_eq!(read.body[0] >> 5, 5, "a map");
    assert!(holds(
        &read,
        &[text("StateValue"), text("INSUFFICIENT_DATA")].concat()
    ));
    // Numbers that the model calls double are double, times are tagged.
    let one = [vec![0xfb], 1_f64.to_be_bytes().to_vec()].concat();
    assert!(holds(&read, &[text("Threshold"), one].concat()));
    assert!(holds(&read, &[text("Period"), vec![0x18, 60]].concat()));
    assert!(holds(
        &read,
        &[text("StateUpdatedTimestamp"), vec![0xc1, 0xfb]].concat()
    ));
    assert_eq!(aws.requests()[0].service, "cloudwatch");
    assert!(
        aws.requests()[0]
            .resource
            .as_ref()
            .unwrap()
            .ends_with(":alarm:failures")
    );
}

#[test]
fn metric_data_are_put_with_their_dimensions() {
    let aws = LocalAws::start(Options::default()).unwrap();
    let mut client = Client::connect(&aws.endpoint_url());
    let dimension = map(&[("Name", text("Function")), ("Value", text("deletion"))]);
    let datum = map(&[
        ("MetricName", text("Alerts")),
        ("Dimensions", [vec![0x81], dimension].concat()),
        (
            "Timestamp",
            [vec![0xc1, 0x1a], 1_795_168_800_u32.to_be_bytes().to_vec()].concat(),
        ),
        (
            "Value",
            [vec![0xfb], 2.5_f64.to_be_bytes().to_vec()].concat(),
        ),
    ]);
    let body = map(&[
        ("Namespace", text("KmsWatch")),
        ("MetricData", [vec![0x81], datum].concat()),
    ]);
    assert_eq!(
        call(&mut client, "PutMetricData", &body, AUTHORIZATION).status,
        200
    );
    assert_eq!(aws.metric_data("KmsWatch", "Alerts"), [(aws.now(), 2.5)]);
    let list = call(&mut client, "ListMetrics", &[0xa0], AUTHORIZATION);
    assert!(holds(&list, &text("deletion")));
}

/// A deflated body in blocks that are merely stored, which needs no compressor; check sum and length as RFC 1952 has them.
fn gzip(body: &[u8]) -> Vec<u8> {
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let blocks: Vec<&[u8]> = body.chunks(65_535).collect();
    for (index, block) in blocks.iter().enumerate() {
        packed.push(u8::from(index + 1 == blocks.len()));
        let length = u16::try_from(block.len()).unwrap();
        packed.extend(length.to_le_bytes());
        packed.extend((!length).to_le_bytes());
        packed.extend(*block);
    }
    let sum = body.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ (0xedb8_8320 & 0_u32.wrapping_sub(sum & 1))
        })
    });
    packed.extend((!sum).to_le_bytes());
    packed.extend(u32::try_from(body.len()).unwrap().to_le_bytes());
    packed
}

fn put_encoded(client: &mut Client, encoding: &str, body: &[u8]) -> Reply {
    let path = "/service/GraniteServiceVersion20100801/operation/PutMetricData";
    let headers = [
        ("smithy-protocol", "rpc-v2-cbor"),
        ("authorization", AUTHORIZATION),
        ("content-encoding", encoding),
    ];
    client.send("POST", path, &headers, body).unwrap()
}

fn data(metric: &str) -> Vec<u8> {
    let datum = map(&[
        ("MetricName", text(metric)),
        ("Value", vec![0x07]),
        ("Unit", text("Count")),
    ]);
    map(&[
        ("Namespace", text("KmsWatch")),
        ("MetricData", [vec![0x81], datum].concat()),
    ])
}

#[test]
fn compressed_data_are_put_like_others() {
    let aws = LocalAws::start(Options::default()).unwrap();
    let mut client = Client::connect(&aws.endpoint_url());
    let packed = gzip(&data("Packed"));
    assert_eq!(put_encoded(&mut client, "gzip", &packed).status, 200);
    assert_eq!(aws.metric_data("KmsWatch", "Packed"), [(aws.now(), 7.0)]);

    let mut refused = |encoding: &str, body: &[u8]| {
        let reply = put_encoded(&mut client, encoding, body);
        (reply.status, reply.headers["x-amzn-query-error"].clone())
    };
    let unreadable = (400, "SerializationException;Sender".to_owned());
    assert_eq!(refused("gzip", &data("Plain")), unreadable);
    assert_eq!(refused("gzip", &packed[..packed.len() - 9]), unreadable);
    assert_eq!(refused("br", &packed), unreadable);
    let large = gzip(&vec![0; 1024 * 1024 + 1]);
    let too_large = (413, "RequestEntityTooLarge;Sender".to_owned());
    assert_eq!(refused("gzip", &large), too_large);
    assert_eq!(aws.metric_points("KmsWatch").len(), 1);
}

#[test]
fn errors_have_a_type_a_header_and_a_status() {
    let aws = LocalAws::start(Options::default()).unwrap();
    let mut client = Client::connect(&aws.endpoint_url());
    let mut error = |operation: &str, body: &[u8], authorization: &str| {
        let reply = call(&mut client, operation, body, authorization);
        let code = reply.headers["x-amzn-query-error"].clone();
        assert!(holds(&reply, &text("__type")));
        (reply.status, code)
    };
    let sender = |status: u16, code: &str| (status, format!("{code};Sender"));
    assert_eq!(
        error("PutMetricAlarm", &[0xa0], AUTHORIZATION),
        sender(400, "MissingParameter")
    );
    assert_eq!(
        error("PutMetricData", &[0x1f, 0x8b], AUTHORIZATION),
        sender(400, "SerializationException")
    );
    assert_eq!(
        error("MakeCoffee", &[0xa0], AUTHORIZATION),
        sender(400, "InvalidAction")
    );
    assert_eq!(
        error("DescribeAlarms", &[0xa0], ""),
        sender(403, "MissingAuthenticationToken")
    );
    aws.faults()
        .throttle("DescribeAlarms", 1)
        .fail("DescribeAlarms", 1);
    assert_eq!(
        error("DescribeAlarms", &[0xa0], AUTHORIZATION),
        sender(400, "Throttling")
    );
    assert_eq!(
        error("DescribeAlarms", &[0xa0], AUTHORIZATION),
        (500, "InternalFailure;Receiver".to_owned())
    );
    aws.restrict(
        "AKIATEST",
        Policy::new([Statement::allow(["cloudwatch:List*"], ["*"])]),
    );
    assert_eq!(
        error("PutMetricAlarm", &alarm(), AUTHORIZATION),
        sender(403, "AccessDenied")
    );
}
