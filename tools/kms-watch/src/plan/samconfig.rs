//! The parameters as a `samconfig.toml`: an environment for each Region, the first one under `default`.

use std::fmt::Write as _;

use watch_core::arn::Region;

use crate::plan::page::Parameter;

/// The file. Values are of alphabets without quotes, as `args` and `page` see to.
pub(crate) fn render(parameters: &[Parameter], regions: &[&Region], stack: &str) -> String {
    let overrides: Vec<_> = parameters
        .iter()
        .filter_map(|it| Some(format!("{}=\\\"{}\\\"", it.name, it.value.as_ref()?)))
        .collect();
    let mut text = String::from(
        "# Made by `kms-watch plan`. Deploys with `sam build && sam deploy --config-file FILE --config-env NAME`.\nversion = 0.1\n",
    );
    for parameter in parameters.iter().filter(|it| it.value.is_none()) {
        let _ = writeln!(text, "# {} is to be set: {}", parameter.name, parameter.why);
    }
    for (number, region) in regions.iter().enumerate() {
        let region = region.as_str();
        let environment = if number == 0 { "default" } else { region };
        let _ = write!(
            text,
            "\n[{environment}.global.parameters]\nstack_name = \"{stack}\"\nregion = \"{region}\"\n\n\
             [{environment}.deploy.parameters]\nresolve_s3 = true\ns3_prefix = \"{stack}\"\ncapabilities = \"CAPABILITY_IAM\"\n\
             confirm_changeset = true\nfail_on_empty_changeset = false\n"
        );
        if !overrides.is_empty() {
            let _ = writeln!(text, "parameter_overrides = \"{}\"", overrides.join(" "));
        }
    }
    text
}
