//! The built function key-widget on the embedded AWS: the views, what is asked wrongly, a ledger that does not answer, 100,000 keys.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod keys;
mod lint;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use watch_local::{Invocation, LocalAws, NewKey, Options};
use watch_tests::{Function, LEDGER};

use keys::{Ledger, now};
use lint::{actions, lint};

const WIDGET: &str = "key-widget";
const FUNCTION_KEY: &str = "AKIDFUNCTION";
/// The parameters, and what the console adds.
const PARAMETERS: [&str; 13] = [
    "view",
    "key",
    "owner",
    "state",
    "store",
    "find",
    "story",
    "sort",
    "order",
    "rows",
    "page",
    "days",
    "widgetContext",
];
const VIEWS: [&str; 6] = ["due", "keys", "key", "thread", "changes", "health"];

fn aws() -> Arc<LocalAws> {
    let aws = LocalAws::start(Options::default()).unwrap();
    aws.create_table(LEDGER);
    Arc::new(aws)
}

/// The answer to parameters, which the linter has found well.
fn shown(function: &Function, payload: &Value) -> String {
    let answer = function.handle(payload);
    let html = answer.as_str().unwrap().to_owned();
    assert_eq!(lint(&html), [] as [&str; 0], "{payload}: {html}");
    html
}

fn ids(html: &str) -> Vec<String> {
    let buttons = actions(html);
    let keys = buttons.iter().filter(|ask| ask["view"] == "key");
    keys.map(|ask| ask["key"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn documentation_is_markdown_with_parameters_and_nothing_else_is_done() {
    let function = Function::start_on(aws(), WIDGET, &[]);
    function.ready();
    function.aws.clear_requests();
    let said = function.handle(&json!({"describe": true, "view": "keys"}));
    let said = said.as_str().unwrap();
    let block = said
        .split("```yaml\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    assert!(block.starts_with("view: keys\n"), "{block}");
    for view in VIEWS {
        assert!(said.contains(&format!("`{view}`")), "{view}");
    }
    assert_eq!(function.aws.request_counts(), BTreeMap::new());
}

#[test]
fn an_empty_ledger_is_answered_with_words() {
    let function = Function::start_on(aws(), WIDGET, &[]);
    for (view, words) in [
        ("due", "No sweep has looked at the keys yet"),
        ("keys", "No sweep has looked at the keys yet"),
        ("changes", "No sweep has looked at the keys yet"),
        ("health", "Look at the watch"),
        ("key", "Choose a key"),
        ("thread", "Choose an alert"),
    ] {
        let html = shown(&function, &json!({"view": view}));
        assert!(html.contains(words), "{view}: {html}");
    }
    let unknown = json!({"view": "key", "key": "1234abcd-12ab-34cd-56ef-1234567890ab"});
    assert!(shown(&function, &unknown).contains("The ledger knows no such key"));
}

#[test]
fn what_a_sweep_saw_is_what_the_views_show_and_a_key_has_its_history() {
    let aws = Arc::new(LocalAws::start(Options::default()).unwrap());
    // A week and more ago, so that what happens is over by now.
    aws.advance_to(now() - jiff::SignedDuration::from_hours(24 * 9));
    let doomed = aws.add_key(
        NewKey::symmetric()
            .alias("alias/doomed")
            .tag("Owner", "team-pay"),
    );
    aws.add_key(
        NewKey::symmetric()
            .alias("alias/payments")
            .tag("Owner", "team-ops"),
    );
    aws.add_key(NewKey::aws_managed("ebs"));
    let deletion = Function::start_on(Arc::clone(&aws), "key-deletion", &[]);
    aws.call(
        "ScheduleKeyDeletion",
        json!({"KeyId": doomed, "PendingWindowInDays": 7}),
    )
    .unwrap();
    for event in aws.take_events() {
        deletion.handle(&event);
    }
    let inventory = Function::start_on(Arc::clone(&aws), "key-inventory", &[("DIGEST", "OFF")]);
    let sweep = |depth: &str| {
        let outcome = inventory.handle(&json!({"sweep": depth, "at": aws.now().to_string()}));
        assert_eq!(outcome["sweep"]["finished"], true, "{outcome}");
    };
    sweep("full");
    let function = Function::start_on(Arc::clone(&aws), WIDGET, &[]);
    let keys = shown(&function, &json!({"view": "keys"}));
    assert!(
        keys.contains("2 keys, page 1 of 1") && keys.contains("alias/payments"),
        "{keys}"
    );
    assert!(
        keys.contains("<td class=\"urgent\">PendingDeletion</td>"),
        "{keys}"
    );
    let due = shown(&function, &json!({"view": "due"}));
    assert!(
        due.contains("alias/doomed</title>") || due.contains("alias/doomed deleted"),
        "{due}"
    );
    let id = doomed.rsplit('/').next().unwrap();
    let key = shown(&function, &json!({"view": "key", "key": doomed}));
    for words in [
        "KMS deletes the key on",
        "team-pay",
        "Deletion of alias/doomed scheduled",
        "What the key policy says",
    ] {
        assert!(key.contains(words), "{words}: {key}");
    }
    assert_eq!(key, shown(&function, &json!({"view": "key", "key": id})));
    // By its owner, whatever the case; and by the popup's form.
    let of_owner = json!({"view": "keys", "owner": "someone", "widgetContext": {"forms": {"all": {"owner": "Team-Ops"}}}});
    let of_owner = shown(&function, &of_owner);
    assert!(
        of_owner.contains("1 key of 2 keys") && of_owner.contains("alias/payments"),
        "{of_owner}"
    );
    // What is new stands there after the next sweep, though the function has kept what it read.
    aws.add_key(NewKey::symmetric().alias("alias/new"));
    sweep("light");
    assert!(shown(&function, &json!({"view": "keys"})).contains("alias/new"));
    // A key that KMS deleted is gone.
    aws.advance_days(8);
    sweep("full");
    aws.advance(jiff::SignedDuration::from_hours(1));
    sweep("light");
    let changes = shown(&function, &json!({"view": "changes"}));
    assert!(
        changes.contains(">1</b>gone") && changes.contains("alias/doomed"),
        "{changes}"
    );
    assert!(changes.contains("the week before: 2"), "{changes}");
    assert!(!shown(&function, &json!({"view": "keys"})).contains("alias/doomed"));
}

/// From the dashboard's row to the alerts of one story, and on to where else they are seen.
#[test]
fn a_thread_is_all_alerts_of_one_story_and_says_where_else_they_are() {
    let aws = Arc::new(LocalAws::start(Options::default()).unwrap());
    let doomed = aws.add_key(NewKey::symmetric().alias("alias/doomed"));
    let other = aws.add_key(NewKey::symmetric().alias("alias/other"));
    let deletion = Function::start_on(Arc::clone(&aws), "key-deletion", &[]);
    let activity = Function::start_on(Arc::clone(&aws), "key-activity", &[]);
    let tell = |function: &Function, operation: &str, ask: Value| {
        aws.call(operation, ask).unwrap();
        let mut ids = Vec::new();
        for event in aws.take_events() {
            ids.push(event["detail"]["eventID"].as_str().unwrap().to_owned());
            function.handle(&event);
        }
        aws.advance(jiff::SignedDuration::from_mins(5));
        ids
    };
    let of = |key: &str| json!({"KeyId": key, "PendingWindowInDays": 7});
    let mut disabled = tell(&activity, "DisableKey", json!({"KeyId": doomed}));
    let mut ids = tell(&deletion, "ScheduleKeyDeletion", of(&doomed));
    ids.extend(tell(
        &deletion,
        "CancelKeyDeletion",
        json!({"KeyId": doomed}),
    ));
    ids.extend(tell(&deletion, "ScheduleKeyDeletion", of(&doomed)));
    let others = tell(&deletion, "ScheduleKeyDeletion", of(&other));
    let inventory = Function::start_on(Arc::clone(&aws), "key-inventory", &[("DIGEST", "OFF")]);
    inventory.handle(&json!({"sweep": "full", "at": aws.now().to_string()}));

    let stack = [("STACK_NAME", "kms-watch")];
    let function = Function::start_on(Arc::clone(&aws), WIDGET, &stack);
    let id = doomed.rsplit('/').next().unwrap();
    let wanted = json!({"view": "thread", "key": id, "story": "deletion"});
    let due = shown(&function, &json!({"view": "due"}));
    assert!(actions(&due).contains(&wanted), "{due}");
    let key = shown(&function, &json!({"view": "key", "key": id}));
    let threads = actions(&key);
    let threads = threads.iter().filter(|ask| ask["view"] == "thread");
    let stories: Vec<_> = threads.map(|ask| ask["story"].as_str().unwrap()).collect();
    assert_eq!(stories, ["deletion", "deletion", "deletion", "disabled"]);
    let pages = format!("console.aws.amazon.com/kms/home?region=us-east-1#/kms/keys/{id}");
    assert!(key.contains(&pages), "{key}");

    let thread = shown(&function, &wanted);
    let scheduled = thread.matches("Deletion of alias/doomed scheduled").count();
    assert_eq!(scheduled, 2, "{thread}");
    assert!(thread.contains("cancelled"), "{thread}");
    assert_eq!(ids.len(), 3);
    for id in &ids {
        let page = format!(
            "https://us-east-1.console.aws.amazon.com/cloudtrailv2/home?region=us-east-1#/events/{id}\""
        );
        assert!(thread.contains(&page), "{id}: {thread}");
    }
    disabled.extend(others);
    for id in disabled {
        assert!(!thread.contains(&id), "{id}: {thread}");
    }
    for words in [
        pages.as_str(),
        "#/events?ResourceName=arn%3Aaws%3Akms",
        "#logsV2:log-groups$3FlogGroupNameFilter$3Dkms-watch-",
        "SNS gives a mail no address",
    ] {
        assert!(thread.contains(words), "{words}: {thread}");
    }
    // What the logs have of them is what they are found by.
    let query = thread.split("filter @message like /").nth(1).unwrap();
    let named: Vec<_> = query.split('/').next().unwrap().split('|').collect();
    assert_eq!(named.len(), 3, "{query}");
    let nothing = shown(
        &function,
        &json!({"view": "thread", "key": id, "story": "policy"}),
    );
    assert!(nothing.contains("Nothing."), "{nothing}");
    // Of the account: no key, and none of their alerts.
    let account = shown(&function, &json!({"view": "thread", "story": "deletion"}));
    assert!(
        account.contains("Nothing.") && !account.contains("doomed"),
        "{account}"
    );
}

#[test]
fn the_size_of_an_answer_does_not_grow_with_the_keys() {
    for (count, pages) in [(0, "page 1 of 1"), (1, "page 1 of 1"), (500, "page 1 of 5")] {
        let aws = aws();
        Ledger::of(count).write(&aws);
        let function = Function::start_on(aws, WIDGET, &[]);
        for view in VIEWS {
            let html = shown(&function, &json!({"view": view, "rows": 100}));
            assert!(
                html.len() < 200_000,
                "{view} of {count} keys has {} bytes",
                html.len()
            );
            assert!(view != "keys" || html.contains(pages), "{count}: {html}");
        }
    }
}

/// As many as a Region may have.
#[test]
fn a_hundred_thousand_keys_are_read_once_and_shown_page_by_page() {
    let aws = aws();
    Ledger::of(100_000).write(&aws);
    let function = Function::start_on(Arc::clone(&aws), WIDGET, &[]);
    function.ready();
    aws.clear_requests();
    // A loaded machine is slower than the function is patient; what it says then is the subject of another test.
    let mut tries = (0..20).map(|_| shown(&function, &json!({"view": "keys"})));
    let first = tries.find(|html| !html.contains("did not answer in time"));
    let first = first.unwrap();
    assert!(first.contains("100,000 keys, page 1 of 4000"), "{first}");
    // The head, and 64 parts by eights.
    assert!(aws.request_counts()["BatchGetItem"] >= 9);
    aws.clear_requests();
    let last = shown(&function, &json!({"view": "keys", "page": 4000}));
    assert_eq!(ids(&last).len(), 25);
    for view in VIEWS {
        let html = shown(&function, &json!({"view": view, "days": 3650}));
        assert!(html.len() < 200_000, "{view} has {} bytes", html.len());
    }
    // What does not change is not read again: one read for each, and one more for the canary.
    let again = aws.request_counts()["BatchGetItem"];
    assert!(again < 16, "{again} reads");
}

#[test]
fn pages_are_sorted_and_together_are_all_keys() {
    let aws = aws();
    Ledger::of(130).write(&aws);
    let function = Function::start_on(aws, WIDGET, &[]);
    for sort in [
        "id", "alias", "created", "expires", "state", "owner", "origin", "store",
    ] {
        let mut all = Vec::new();
        for page in 1..=3 {
            let ask = json!({"view": "keys", "sort": sort, "rows": "50", "page": page.to_string()});
            all.extend(ids(&shown(&function, &ask)));
        }
        assert_eq!(all.len(), 130, "{sort}");
        if sort == "id" {
            assert!(all.is_sorted());
        }
        let down = json!({"view": "keys", "sort": sort, "order": "desc", "rows": 100});
        // There is one key store.
        let is_same = ids(&shown(&function, &down)) == all[..100];
        assert_eq!(is_same, sort == "store", "{sort}");
        let again: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(again.len(), 130, "{sort}: a key twice");
    }
    // Beyond the last page is the last: keys go while somebody looks.
    let beyond = shown(&function, &json!({"view": "keys", "rows": 50, "page": 99}));
    assert!(beyond.contains("page 3 of 3"), "{beyond}");
    let of_state = shown(
        &function,
        &json!({"view": "keys", "state": "PendingDeletion", "rows": 100}),
    );
    assert!(
        !ids(&of_state).is_empty() && !of_state.contains(">Enabled</td>"),
        "{of_state}"
    );
    let of_store = shown(
        &function,
        &json!({"view": "keys", "store": "cks-0123456789abcdef0", "rows": 100}),
    );
    assert!(of_store.contains("of 130 keys"), "{of_store}");
}

#[test]
fn what_others_chose_stands_for_itself_in_both_themes() {
    let aws = aws();
    Ledger::hostile().write(&aws);
    let function = Function::start_on(aws, WIDGET, &[]);
    for (theme, paper) in [("light", "--paper: #fff"), ("dark", "--paper: #0d1117")] {
        for view in VIEWS {
            let ask = json!({"view": view, "key": Ledger::HOSTILE_KEY, "story": "deletion", "widgetContext": {"theme": theme}});
            let html = shown(&function, &ask);
            assert!(html.contains(paper), "{view}");
            assert!(
                !html.contains("<img") && !html.contains("<script"),
                "{view}: {html}"
            );
            if view != "health" {
                assert!(html.contains("&lt;img src=x"), "{view}: {html}");
            }
            assert!(!html.contains('\u{202e}'), "{view}");
        }
    }
}

#[test]
fn what_is_no_request_is_answered_with_words() {
    let function = Function::start_on(aws(), WIDGET, &[]);
    let long = "x".repeat(1_000_000);
    let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
    for payload in ["[]", "null", "5", "\"keys\"", "{}", &deep] {
        let Invocation::Response(html) = function.invoke(payload.to_owned()) else {
            panic!("{payload}");
        };
        assert_eq!(lint(html.as_str().unwrap()), [] as [&str; 0], "{payload}");
    }
    for payload in [
        json!({"view": long}),
        json!({"view": "key", "key": long}),
        json!({"widgetContext": long}),
    ] {
        assert!(shown(&function, &payload).len() < 20_000);
    }
    let refused = shown(&function, &json!({"view": "everything"}));
    for view in VIEWS {
        assert!(
            refused.contains(&format!("<code>{view}</code>")),
            "{refused}"
        );
    }
}

#[test]
fn a_ledger_that_does_not_answer_says_nothing_of_the_keys_or_what_it_said_before() {
    let aws = aws();
    Ledger::of(40).write(&aws);
    let function = Function::start_on(Arc::clone(&aws), WIDGET, &[]);
    function.ready();
    let list = json!({"view": "keys"});
    aws.faults().deny("BatchGetItem");
    let denied = shown(&function, &list);
    assert!(
        denied.contains("may not read the ledger (AccessDeniedException)"),
        "{denied}"
    );
    aws.faults().clear();
    assert!(shown(&function, &list).contains("40 keys"));
    aws.faults().deny("BatchGetItem");
    let kept = shown(&function, &list);
    assert!(
        kept.contains("40 keys") && kept.contains("what the ledger said before"),
        "{kept}"
    );
    aws.faults().clear().throttle("BatchGetItem", 1_000);
    let throttled = shown(&function, &json!({"view": "health"}));
    assert!(
        throttled.contains("This says nothing about the keys"),
        "{throttled}"
    );
    aws.faults().clear().slow("Query", Duration::from_secs(30));
    let slow = shown(&function, &json!({"view": "health"}));
    assert!(slow.contains("did not answer in time"), "{slow}");
    aws.faults().clear();
    assert!(shown(&function, &json!({"view": "health"})).contains("The watch is alive"));
}

/// With nothing but what the template allows, and by reads alone.
#[test]
fn the_role_of_the_template_is_enough_and_nothing_is_written() {
    let aws = aws();
    Ledger::of(40).write(&aws);
    let statements = watch_tests::template::Template::read()
        .role_statements(WIDGET, &watch_tests::template::Stack::default());
    let of_ledger = statements
        .iter()
        .filter(|it| it["Action"][0].as_str().unwrap().starts_with("dynamodb:"));
    let policy = json!({"Version": "2012-10-17", "Statement": of_ledger.collect::<Vec<_>>()});
    aws.restrict(FUNCTION_KEY, keys::policy(&policy));
    let function = Function::start_on(Arc::clone(&aws), WIDGET, &[]);
    function.ready();
    aws.clear_requests();
    for view in VIEWS {
        let html = shown(
            &function,
            &json!({"view": view, "key": Ledger::id(3), "story": "deletion"}),
        );
        assert!(!html.contains("may not read"), "{view}: {html}");
    }
    let calls: Vec<_> = aws.request_counts().into_keys().collect();
    assert_eq!(calls, ["BatchGetItem", "Query"]);
    assert_eq!(aws.unused_permissions(FUNCTION_KEY), []);
}

/// Buttons lead to answers, and to nothing else.
#[test]
fn every_button_asks_for_something_that_is_answered() {
    let aws = aws();
    Ledger::of(60).write(&aws);
    let function = Function::start_on(aws, WIDGET, &[]);
    let mut pressed = 0;
    for view in VIEWS {
        for ask in actions(&shown(&function, &json!({"view": view}))) {
            let html = shown(&function, &ask);
            assert!(!html.contains("Not understood"), "{ask}: {html}");
            pressed += 1;
        }
    }
    assert!(pressed > 40, "{pressed}");
}

#[test]
fn whatever_is_asked_there_is_a_well_formed_answer_of_bounded_size() {
    let aws = aws();
    Ledger::hostile().write(&aws);
    let function = Function::start_on(aws, WIDGET, &[]);
    let text = prop_oneof![
        "[ -~éø🔑\u{202e}]{0,40}".prop_map(Value::from),
        prop::sample::select(&VIEWS[..]).prop_map(Value::from),
        prop::sample::select(&["asc", "desc", "id", "expires", "Enabled", "cks-0", "*"][..])
            .prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        (1..99_u8).prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(json!(["<script>alert(1)</script>"])),
        Just(json!({"a": {"b": "\" onload=\"x"}})),
        Just(Value::Null),
    ];
    let asked = prop::collection::btree_map(prop::sample::select(&PARAMETERS[..]), text, 0..8);
    let mut runner = TestRunner::new(Config {
        cases: 150,
        failure_persistence: None,
        ..Config::default()
    });
    runner
        .run(&asked, |asked| {
            let payload = json!(asked);
            let answer = function.handle(&payload);
            let html = answer.as_str().unwrap();
            prop_assert_eq!(lint(html), Vec::<String>::new(), "{}", payload);
            prop_assert!(html.len() < 200_000);
            Ok(())
        })
        .unwrap();
}

/// For `tests/browser/check`, which looks at them: the views in both themes, and what their buttons ask for.
#[test]
fn the_views_are_written_down_for_the_browser() {
    let aws = aws();
    Ledger::pictured().write(&aws);
    let function = Function::start_on(aws, WIDGET, &[]);
    let mut answers = Vec::new();
    let mut record = |ask: &Value| {
        let mut next = Vec::new();
        for (theme, width) in [
            ("light", 360),
            ("dark", 360),
            ("light", 1280),
            ("dark", 1280),
        ] {
            let mut payload = ask.clone();
            payload["widgetContext"] = json!({"theme": theme, "width": width});
            let html = shown(&function, &payload);
            next = actions(&html);
            answers.push(json!({"ask": ask, "theme": theme, "width": width, "html": html}));
        }
        next
    };
    for view in VIEWS {
        let (key, story) = match view {
            "key" => (Ledger::id(0), ""),
            "thread" => (Ledger::id(0), "deletion"),
            _ => (String::new(), ""),
        };
        let ask = json!({"view": view, "key": key, "story": story, "rows": 12});
        let next = record(&ask);
        // One page further, one sorted, one key, one thread.
        let views = ["keys", "key", "thread"];
        let is_shown = |ask: &&Value| views.contains(&ask["view"].as_str().unwrap());
        for ask in next
            .iter()
            .filter(is_shown)
            .take(if view == "keys" { 80 } else { 3 })
        {
            record(ask);
        }
    }
    let folder = watch_tests::repository().join("target/tmp");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("widget.json"), json!(answers).to_string()).unwrap();
}
