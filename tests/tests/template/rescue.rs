//! What is there only where keys are rescued, and what it may do.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use watch_core::config::Config;
use watch_core::kinds::RescueAction;
use watch_core::protection::{PROTECT_TAG, PROTECT_VALUE};
use watch_tests::template::{Stack, Template};

use super::RESCUER;

/// The calls of KMS that change a key: no other function may make one.
pub(super) const WRITES: [&str; 3] = [
    "kms:CancelKeyDeletion",
    "kms:EnableKeyRotation",
    "kms:EnableKey",
];

/// A key that is protected by its ARN.
pub(super) const LISTED: &str =
    "arn:aws:kms:us-east-1:111122223333:key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913";

fn statements(stack: &Stack) -> Vec<Value> {
    let template = Template::read();
    let policies = &template.document["Resources"]["KeyRescueRole"]["Properties"]["Policies"];
    let statements = &policies[0]["PolicyDocument"]["Statement"];
    let statements = template.resolve(statements, stack);
    statements.as_array().unwrap().clone()
}

/// The statements that let it change a key.
fn locks(stack: &Stack) -> Vec<Value> {
    let mut all = statements(stack);
    all.retain(|it| {
        let text = it["Action"].to_string();
        WRITES.iter().any(|write| text.contains(write))
    });
    all
}

fn writes(stack: &Stack) -> BTreeSet<String> {
    let locks = locks(stack);
    let actions = locks.iter().flat_map(|it| it["Action"].as_array().unwrap());
    actions.map(|it| it.as_str().unwrap().to_owned()).collect()
}

/// A lock for each way in which a key is protected; what is not said protects nothing.
#[test]
fn it_may_change_only_protected_keys_and_only_as_it_is_told() {
    let stack = Stack::default()
        .with("ProtectedAliases", "alias/prod-*,alias/*/ledger")
        .with("ProtectedKeys", LISTED);
    let keys = "arn:aws:kms:us-east-1:111122223333:key/*";
    let by_tag = json!({"StringEquals": {format!("aws:ResourceTag/{PROTECT_TAG}"): PROTECT_VALUE}});
    let patterns = json!(["alias/prod-*", "alias/*/ledger"]);
    let by_alias = json!({"ForAnyValue:StringLike": {"kms:ResourceAliases": patterns}});
    let locks = locks(&stack);
    let seen: Vec<_> = locks
        .iter()
        .map(|it| (&it["Sid"], &it["Resource"], &it["Condition"]))
        .collect();
    assert_eq!(
        seen,
        [
            (&json!("RescueByTag"), &json!(keys), &by_tag),
            (&json!("RescueByAlias"), &json!(keys), &by_alias),
            (&json!("RescueByList"), &json!([LISTED]), &Value::Null),
        ]
    );
    for lock in &locks {
        // Each action by its name, and no pattern.
        assert_eq!(lock["Action"], json!(WRITES), "{lock}");
    }
    for statement in statements(&stack) {
        let text = statement["Action"].to_string();
        assert!(!text.contains('*'), "{text}");
    }
    let operations: BTreeSet<_> = RescueAction::ALL
        .iter()
        .map(|it| format!("kms:{}", it.operation()))
        .collect();
    assert_eq!(operations, WRITES.map(str::to_owned).into());
    let cancels = stack
        .clone()
        .without("RescueActsOnRotation")
        .without("RescueEnablesKeys");
    assert_eq!(writes(&cancels), [WRITES[0].to_owned()].into());
    let no_keys = stack.without("RescueEnablesKeys");
    assert_eq!(writes(&no_keys).len(), 2);
}

/// The conditions of the template are those under which the locks are wanted: who only advises may change nothing.
#[test]
fn a_lock_is_there_only_if_its_parameter_is_set_and_the_stack_acts() {
    let document = Template::read().document;
    let acts = json!({"Condition": "RescueActs"});
    for (condition, parameter) in [
        ("RescueActsByAlias", "ProtectedAliases"),
        ("RescueActsByList", "ProtectedKeys"),
    ] {
        let is_set = json!({"Fn::Not": [{"Fn::Equals": [{"Ref": parameter}, ""]}]});
        assert_eq!(
            document["Conditions"][condition],
            json!({"Fn::And": [acts, is_set]})
        );
        assert_eq!(document["Parameters"][parameter]["Default"], "");
        let stack = Stack::default().without(condition);
        assert_eq!(locks(&stack).len(), 2, "{condition}");
    }
    let bare = Stack::default()
        .without("RescueActs")
        .without("RescueActsByAlias")
        .without("RescueActsByList");
    assert_eq!(locks(&bare), <Vec<Value>>::new());
}

/// What IAM is told and what the code decides by come from the same parameters.
#[test]
fn every_function_knows_what_is_protected() {
    let template = Template::read();
    let stack = Stack::default()
        .with("ProtectedAliases", "alias/prod-*")
        .with("ProtectedKeys", LISTED);
    for function in template.functions() {
        let variables = &function.properties["Environment"]["Variables"];
        let variables = template.resolve(variables, &stack);
        let lookup = |name: &str| variables[name].as_str().map(ToOwned::to_owned);
        let config = Config::from_lookup(lookup, &[]).unwrap();
        let key = LISTED.parse().unwrap();
        assert!(config.protection.is_of("alias/prod-pay"), "{}", function.id);
        assert!(config.protection.is_protected(&key, None, None));
    }
}

#[test]
fn no_other_function_may_change_a_key() {
    let template = Template::read();
    for function in template.functions() {
        if function.folder == RESCUER {
            continue;
        }
        for statement in template.role_statements(&function.folder, &Stack::default()) {
            for action in statement["Action"].as_array().unwrap() {
                let action = action.as_str().unwrap();
                let reads = ["kms:Describe", "kms:Get", "kms:List"];
                assert!(
                    !action.starts_with("kms:") || reads.iter().any(|it| action.starts_with(it)),
                    "{} may {action}",
                    function.id
                );
            }
        }
    }
}

#[test]
fn no_part_of_it_exists_unless_the_user_wants_it() {
    let template = Template::read();
    assert_eq!(
        template.document["Parameters"]["KeyRescue"]["Default"],
        "off"
    );
    let mut parts = 0;
    for (id, resource) in template.section("Resources") {
        let is_part = id.starts_with("KeyRescue") || id == "LedgerOfRescue";
        let condition = resource["Condition"].as_str().unwrap_or_default();
        assert_eq!(is_part, condition == "HasRescue", "{id}");
        parts += usize::from(is_part);
    }
    assert_eq!(parts, 8);
}

/// The condition under which a deployment has what the code would do: the choices are those of the code, in its order.
#[test]
fn what_may_be_chosen_is_what_the_code_knows() {
    let template = Template::read();
    let choices = &template.document["Parameters"]["KeyRescueActions"]["AllowedValues"];
    for choice in choices.as_array().unwrap() {
        for word in choice.as_str().unwrap().split(',') {
            assert!(RescueAction::new(word).is_some(), "{word}");
        }
    }
    let all: Vec<_> = RescueAction::ALL.iter().map(|it| it.word()).collect();
    assert_eq!(choices[2], all.join(","));
    assert_eq!(
        template.document["Conditions"]["RescueEnablesKeys"]["Fn::And"][1]["Fn::Equals"][1],
        choices[2]
    );
}

/// A button shows where a message has the word, and hands over what the function reads.
#[test]
fn buttons_ask_for_what_messages_offer() {
    let template = Template::of(include_str!("../../../docs/rescue-buttons.yaml"));
    let actions = &template.document["Parameters"]["Actions"]["AllowedValues"];
    let choices = &Template::read().document["Parameters"]["KeyRescueActions"]["AllowedValues"];
    assert_eq!(actions, choices);
    let stack = Stack::default().with("FunctionName", "kms-watch-KeyRescueFunction-1A2B3C");
    let mut words = BTreeSet::new();
    for (id, button) in template.resources("AWS::Chatbot::CustomAction") {
        let attachment = &button["Attachments"][0];
        let word = attachment["Criteria"][0]["Value"].as_str().unwrap();
        assert!(words.insert(word.to_owned()), "{id}");
        assert!(RescueAction::of_command(word).is_some(), "{id}");
        assert_eq!(attachment["Criteria"][0]["VariableName"], "Rescue");
        let label = attachment["ButtonText"].as_str().unwrap();
        assert!(label.len() <= 20, "{id}");
        let variables = attachment["Variables"].as_object().unwrap();
        // The names are those of `additionalContext` (a test of `render::chat` has them).
        for (name, member) in [
            ("Rescue", "rescue"),
            ("KeyId", "keyId"),
            ("Region", "region"),
        ] {
            let path = format!("event.metadata.additionalContext.{member}");
            assert_eq!(variables[name], path, "{id}");
        }
        assert_eq!(variables.len(), 3);
        let command = template.resolve(&button["Definition"]["CommandText"], &stack);
        let command = command.as_str().unwrap();
        let payload = r#"--payload {"rescue":"$Rescue","keyId":"$KeyId","region":"$Region"}"#;
        assert!(command.ends_with(payload), "{command}");
        assert!(
            command
                .starts_with("lambda invoke --function-name kms-watch-KeyRescueFunction-1A2B3C ")
        );
        let name = template.resolve(&button["ActionName"], &Stack::default());
        assert!(name.as_str().unwrap().len() <= 64, "{name}");
    }
    let all = RescueAction::ALL.map(|it| it.command().to_owned());
    assert_eq!(words, all.into());
}
