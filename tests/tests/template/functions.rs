//! What the functions are, and are given.

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde_json::{Value, json};
use watch_core::config::{Baseline, Config, ExportConfig, RescueConfig, SweepConfig};
use watch_tests::template::{Stack, Template};

use super::{
    EXPORTER, FINDS_DEPENDANTS, JUDGES_ACCESS, RESCUER, SWEEPER, folders, names, read, sweeper,
};

#[test]
fn there_is_a_function_for_each_folder() {
    let deployed: BTreeSet<_> = Template::read()
        .functions()
        .into_iter()
        .map(|function| function.folder)
        .collect();
    assert_eq!(deployed, folders("functions"));
}

#[test]
fn functions_are_given_what_their_configuration_reads() {
    let asked_by = |function: &str| {
        let asked = RefCell::new(BTreeSet::new());
        let lookup = |name: &str| {
            asked.borrow_mut().insert(name.to_owned());
            None
        };
        // Nothing is set, so this fails; what it asked for on the way is what counts.
        let is_refused = match function {
            SWEEPER => SweepConfig::from_lookup(lookup, &[]).is_err(),
            EXPORTER => ExportConfig::from_lookup(lookup, &[]).is_err(),
            RESCUER => RescueConfig::from_lookup(lookup, &[]).is_err(),
            _ => Config::from_lookup(lookup, &[]).is_err(),
        };
        assert!(is_refused);
        let asked = asked.into_inner();
        assert!(asked.contains("ALERT_TOPIC_ARN"));
        asked
    };

    let template = Template::read();
    for function in template.functions() {
        let mut asked = asked_by(&function.folder);
        if !JUDGES_ACCESS.contains(&function.folder.as_str()) {
            // Whose access is foreign is no question to it, and it may not read the parameter.
            asked.remove("TRUSTED_ACCOUNTS_PARAMETER");
        }
        if !FINDS_DEPENDANTS.contains(&function.folder.as_str()) {
            asked.remove("CONFIG_DEPENDANTS");
        }
        let variables = function.properties["Environment"]["Variables"]
            .as_object()
            .unwrap();
        let given: BTreeSet<_> = variables.keys().cloned().collect();
        assert_eq!(given, asked, "{}", function.id);
    }
}

/// A value of the template that the functions refuse would only be found when they start.
#[test]
fn the_functions_can_start_with_the_defaults_and_with_everything() {
    let template = Template::read();
    let bare = Stack::default().without("HasChat").without("HasFeed");
    // Without a way out nothing of the export is there.
    let bare = bare.with("SecurityHubFindings", "true");
    let overrides = "KeyRotated=OFF,KeyMaterialImported=HIGH";
    let everything = Stack::default()
        .with("SeverityOverrides", overrides)
        .with("MinimumSeverity", "CRITICAL")
        .with(
            "OcsfBusArn",
            "arn:aws:events:us-east-1:444455556666:event-bus/findings",
        )
        .with(
            "OcsfQueueArn",
            "arn:aws:sqs:us-east-1:444455556666:findings",
        )
        .with("OcsfBucket", "findings");
    for function in template.functions() {
        for (stack, topics) in [(&bare, 1), (&everything, 3)] {
            let variables = &function.properties["Environment"]["Variables"];
            let variables = template.resolve(variables, stack);
            let lookup = |name: &str| variables[name].as_str().map(ToOwned::to_owned);
            let config = match function.folder.as_str() {
                SWEEPER => SweepConfig::from_lookup(lookup, &[]).map(|it| it.alerts),
                EXPORTER => ExportConfig::from_lookup(lookup, &[]).map(|it| it.alerts),
                RESCUER => RescueConfig::from_lookup(lookup, &[]).map(|it| it.alerts),
                _ => Config::from_lookup(lookup, &[]),
            };
            let config = config.unwrap_or_else(|error| panic!("{error}"));
            let optional = [&config.chat_topic, &config.feed_topic];
            assert_eq!(1 + optional.into_iter().flatten().count(), topics);
            assert!(config.ledger_table.is_some());
        }
    }
}

#[test]
fn a_sweep_can_start_with_whatever_may_be_chosen_for_it() {
    let template = Template::read();
    let function = sweeper(&template);
    let start = |parameter: &str, value: &str| {
        let variables = &function.properties["Environment"]["Variables"];
        let stack = Stack::default().with(parameter, value);
        let variables = template.resolve(variables, &stack);
        let lookup = |name: &str| variables[name].as_str().map(ToOwned::to_owned);
        SweepConfig::from_lookup(lookup, &[])
            .unwrap_or_else(|error| panic!("{parameter} {value}: {error}"))
    };
    let config = start("DeletionWarningDays", "1,30,9");
    assert_eq!(config.deletion_warning_days, [30, 9, 1]);
    for minutes in ["0", "1440"] {
        let hold = start("SweepHoldMinutes", minutes).hold.as_mins();
        assert_eq!(hold, minutes.parse::<i64>().unwrap());
    }
    let choices = &template.document["Parameters"]["WeeklyDigest"]["AllowedValues"];
    let digests: Vec<_> = names(choices.as_array().unwrap())
        .iter()
        .map(|choice| start("WeeklyDigest", choice).digest)
        .collect();
    assert_eq!(digests, [false, true]);
    let choices = &template.document["Parameters"]["UsageBaseline"]["AllowedValues"];
    let baselines: Vec<_> = names(choices.as_array().unwrap())
        .iter()
        .map(|choice| start("UsageBaseline", choice).baseline)
        .collect();
    assert_eq!(
        baselines,
        [Baseline::Events, Baseline::Metrics, Baseline::Off]
    );
    let grants = ["true", "false"].map(|choice| start("SweepGrants", choice).grants);
    assert_eq!(grants, [true, false]);
    let config = ["true", "false"].map(|it| start("ConfigDependants", it).alerts);
    assert_eq!(config.map(|it| it.config_dependants), [true, false]);
}

/// The levels that a user may choose are those that the functions know.
#[test]
fn severities_to_choose_from_are_those_of_the_alerts() {
    let template = Template::read();
    let allowed = &template.document["Parameters"]["MinimumSeverity"]["AllowedValues"];
    let schema: Value = serde_json::from_str(&read("docs/schema/alert-1.1.json")).unwrap();
    let levels = schema["$defs"]["Severity"]["oneOf"].as_array().map_or_else(
        || names(schema["$defs"]["Severity"]["enum"].as_array().unwrap()),
        |levels| names(levels.iter().map(|level| &level["const"])),
    );
    assert_eq!(names(allowed.as_array().unwrap()), levels);
}

#[test]
fn each_function_has_a_log_and_a_place_for_what_it_fails_on() {
    let template = Template::read();
    let mut logs = BTreeSet::new();
    for function in template.functions() {
        let log = &function.properties["LoggingConfig"]["LogGroup"]["Ref"];
        let group = &template.document["Resources"][log.as_str().unwrap()];
        assert_eq!(group["Type"], "AWS::Logs::LogGroup", "{}", function.id);
        assert_eq!(
            group["Properties"]["RetentionInDays"],
            json!({"Ref": "LogRetentionDays"})
        );
        assert!(
            logs.insert(log.to_string()),
            "{} shares its log",
            function.id
        );
        let format = &function.properties["LoggingConfig"]["LogFormat"];
        assert_eq!(*format, json!({"Ref": "LogFormat"}));
        assert_eq!(
            function.properties["EventInvokeConfig"]["DestinationConfig"]["OnFailure"]["Destination"],
            json!({"Fn::GetAtt": ["FailedInvocations", "Arn"]}),
        );
        // Lambda tries again after a minute, and must not find the function still at it. A sweep takes as long as Lambda
        // lets it, and hands over to the next.
        let timeout = function.properties["Timeout"].as_i64().unwrap();
        assert!(timeout < 60 || (timeout == 900 && function.folder == SWEEPER));
    }
}

/// Whoever fails without end can be kept from using up the account's concurrency.
#[test]
fn only_what_callers_drive_can_be_capped() {
    let template = Template::read();
    for function in template.functions() {
        let cap = &function.properties["ReservedConcurrentExecutions"];
        let capped = template.resolve(cap, &Stack::default().with("MisuseConcurrency", "20"));
        let free = template.resolve(cap, &Stack::default().without("HasMisuseConcurrency"));
        assert!(free.is_null(), "{}", function.id);
        assert_eq!(
            !capped.is_null(),
            function.folder == "key-misuse",
            "{}",
            function.id
        );
    }
}
