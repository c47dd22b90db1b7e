//! What the user is asked, and gets.

use std::collections::BTreeSet;

use watch_tests::repository;
use watch_tests::template::Template;

use super::read;

#[test]
fn every_parameter_is_grouped_labelled_described_and_in_the_manual() {
    let template = Template::read();
    let interface = &template.document["Metadata"]["AWS::CloudFormation::Interface"];
    let groups = interface["ParameterGroups"].as_array().unwrap();
    let grouped: Vec<_> = groups
        .iter()
        .flat_map(|group| group["Parameters"].as_array().unwrap())
        .map(|name| name.as_str().unwrap())
        .collect();
    let labelled: Vec<_> = interface["ParameterLabels"]
        .as_object()
        .unwrap()
        .keys()
        .collect();
    let parameters: Vec<_> = template
        .section("Parameters")
        .map(|(name, _)| name)
        .collect();
    assert_eq!(grouped, parameters, "in the order of the groups");
    assert_eq!(labelled, parameters, "in the order of the groups");
    let manual = read("docs/deploy.md");
    for (name, parameter) in template.section("Parameters") {
        assert!(parameter["Description"].is_string(), "{name}");
        // With a default each, `sam deploy` asks for nothing that one must know.
        let default = &parameter["Default"];
        assert!(!default.is_null(), "{name}");
        let shown = default
            .as_str()
            .map_or_else(|| default.to_string(), ToOwned::to_owned);
        let cell = if shown.is_empty() {
            "none".to_owned()
        } else {
            format!("`{shown}`")
        };
        let row = format!("| `{name}` | {cell} |");
        assert!(manual.contains(&row), "docs/deploy.md has no row {row}");
    }
}

#[test]
fn everything_that_people_need_is_an_output() {
    let template = Template::read();
    let outputs: BTreeSet<_> = template
        .section("Outputs")
        // What is deployed is no resource; the other is for the template of the buttons.
        .filter(|(name, _)| !["Version", "KeyRescueFunctionName"].contains(name))
        .map(|(_, output)| output["Value"]["Ref"].as_str().unwrap().to_owned())
        .collect();
    let wanted = template.section("Resources").filter(|(_, resource)| {
        let kind = resource["Type"].as_str().unwrap();
        [
            "AWS::SNS::Topic",
            "AWS::SQS::Queue",
            "AWS::DynamoDB::Table",
            "AWS::CloudWatch::Dashboard",
        ]
        .contains(&kind)
    });
    assert_eq!(outputs, wanted.map(|(id, _)| id.to_owned()).collect());
}

/// Built from the workspace's root, a function would take on features that only tests use.
#[test]
fn functions_are_built_in_their_own_folders() {
    for (id, function) in Template::read().section("Resources") {
        if function["Type"] == "AWS::Serverless::Function" {
            assert_eq!(
                function["Metadata"]["BuildMethod"], "rust-cargolambda",
                "{id}"
            );
            let folder = function["Properties"]["CodeUri"].as_str().unwrap();
            assert!(folder.starts_with("functions/"), "{id}: {folder}");
            let manifest = repository().join(folder).join("Cargo.toml");
            assert!(manifest.is_file(), "{id}: {folder}");
        }
    }
}
