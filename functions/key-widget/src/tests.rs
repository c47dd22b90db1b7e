//! The widget on a ledger in memory.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;
use watch_core::fakes::{FakeClock, FakeLedger};
use watch_core::ports::CallError;

use super::*;

const ARN: &str = "arn:aws:lambda:us-east-1:111122223333:function:customWidget-kms-watch";

fn widget() -> Widget<FakeLedger, FakeClock> {
    let lookup = |name: &str| {
        (name == "ALERT_TOPIC_ARN").then(|| "arn:aws:sns:us-east-1:111122223333:people".to_owned())
    };
    Widget {
        library: Library::new(Some(FakeLedger::default())),
        clock: FakeClock::at("2026-11-30T10:00:00Z"),
        config: Config::from_lookup(lookup, &[]).unwrap(),
    }
}

fn answer(widget: &Widget<FakeLedger, FakeClock>, payload: &Value) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(widget.answer(payload, ARN))
}

#[test]
fn a_ledger_that_does_not_answer_is_answered_with_words() {
    for view in ask::VIEWS {
        let key = "1234abcd-12ab-34cd-56ef-1234567890ab";
        let payload = json!({"view": view, "key": key, "story": "deletion"});
        let (denied, slow) = (widget(), widget());
        let ledger = denied.library.of_tests();
        ledger
            .error
            .replace(Some(CallError::new("AccessDeniedException", "no")));
        let said = answer(&denied, &payload);
        assert!(
            said.contains("may not read the ledger (AccessDeniedException)"),
            "{said}"
        );
        slow.library.of_tests().delay.set(Duration::from_secs(60));
        let said = answer(&slow, &payload);
        assert!(said.contains("did not answer in time"), "{said}");
    }
}

#[test]
fn documentation_is_asked_for_without_the_ledger() {
    let widget = widget();
    let said = answer(&widget, &json!({"describe": true, "view": "keys"}));
    assert!(
        said.starts_with("## ") && said.contains("```yaml"),
        "{said}"
    );
    assert!(widget.library.of_tests().calls.borrow().is_empty());
}

fn any_value() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        "[ -~éø🔑]{0,40}",
        Just("<script>alert(1)</script>".to_owned()),
        Just("\" onclick=\"x".to_owned()),
        Just("arn:aws:kms:us-east-1:444455556666:key/a".to_owned()),
        prop::sample::select(ask::VIEWS).prop_map(str::to_owned),
    ];
    let leaf = prop_oneof![
        text.prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,5}", inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever is asked, there is an answer, in words that stand for themselves, and of a size that does not grow with the question. Nothing of
    /// another account is read.
    #[test]
    fn whatever_is_asked_is_answered(
        view in any_value(), key in any_value(), find in any_value(), page in any_value(), forms in any_value(),
    ) {
        let widget = widget();
        let payload = json!({
            "view": view, "key": key, "find": find, "owner": find, "page": page, "state": page,
            "widgetContext": {"theme": view, "width": page, "forms": {"all": forms}},
        });
        let said = answer(&widget, &payload);
        prop_assert!(said.starts_with("<div class=\"kmsw") && said.ends_with("</div>\n"), "{}", said);
        prop_assert!(said.len() < 20_000);
        for bad in ["<script", " onclick=\"", "<iframe", "<use"] {
            prop_assert!(!said.to_lowercase().contains(bad), "{}", said);
        }
        for asked in widget.library.of_tests().items.borrow().keys() {
            prop_assert!(asked.0.contains("111122223333"));
        }
    }
}

#[test]
fn a_parameter_of_a_wrong_shape_is_named() {
    let long = "x".repeat(1_000_000);
    for (payload, expected) in [
        (
            json!({"view": "all"}),
            "view is &quot;all&quot;, which is not a view",
        ),
        (json!({"view": ["due"]}), "which is not a text or a number"),
        (json!({"view": "keys", "page": 0}), "page is &quot;0&quot;"),
        (
            json!({"view": "keys", "rows": 101}),
            "rows is &quot;101&quot;",
        ),
        (
            json!({"view": "keys", "sort": "size"}),
            "which is not one of alias, id",
        ),
        (
            json!({"view": "keys", "state": "Gone"}),
            "which is not a key state of KMS",
        ),
        (
            json!({"view": "keys", "store": "cks-../x"}),
            "which is not the ID of a custom key store",
        ),
        (
            json!({"view": "keys", "find": long}),
            "which is not so short as 256",
        ),
        (
            json!({"view": "key", "key": "arn:aws:kms:us-east-1:444455556666:key/a"}),
            "which is not a key ID or key ARN of this account",
        ),
        (
            json!({"view": "key", "key": "a#b"}),
            "which is not a key ID or key ARN",
        ),
        (json!({"view": "due", "days": -1}), "days is &quot;-1&quot;"),
    ] {
        let widget = widget();
        let said = answer(&widget, &payload);
        assert!(said.contains(expected), "{expected}: {said}");
        assert!(said.len() < 10_000);
        assert!(
            widget.library.of_tests().calls.borrow().is_empty(),
            "{expected}"
        );
    }
}
