//! The story: what happens to three keys within some weeks.

use aws_sdk_kms::error::ProvideErrorMetadata;
use aws_sdk_kms::primitives::{Blob, DateTime};
use aws_sdk_kms::types::{AlgorithmSpec, ExpirationModelType, OriginType, Tag, WrappingKeySpec};
use jiff::ToSpan;

use crate::error::DemoError;
use crate::show::Show;
use crate::stage::Stage;

/// Does things to keys over the SDK, lets time pass, and shows what is told.
pub(crate) async fn tell(stage: &Stage, show: &mut Show) -> Result<(), DemoError> {
    show.note("An AWS on this machine, three keys in it, and time that passes as we like.")?;
    let kms = &stage.kms;

    let payments = create(
        stage,
        OriginType::AwsKms,
        "Card data of the orders database",
        "alias/payments",
        "team-pay",
    )
    .await?;
    kms.enable_key_rotation()
        .key_id(&payments)
        .rotation_period_in_days(365)
        .send()
        .await
        .map_err(failed)?;
    let ledger = create(
        stage,
        OriginType::External,
        "Ledger, material from our own HSM",
        "alias/ledger",
        "team-fin",
    )
    .await?;
    import(stage, &ledger, 30).await?;
    let sessions = create(
        stage,
        OriginType::AwsKms,
        "Web sessions until 2025",
        "alias/sessions-old",
        "team-web",
    )
    .await?;
    // All that was before the watch was deployed.
    stage.aws.take_events();
    show.scene(
        "day 0",
        "Three keys are in use, one with key material imported for 30 days. The watch is deployed.",
    )?;

    stage.aws.advance_days(1);
    kms.encrypt()
        .key_id(&payments)
        .plaintext(Blob::new("4111 1111 1111 1111"))
        .send()
        .await
        .map_err(failed)?;
    stage.aws.advance(jiff::SignedDuration::from_hours(4));
    kms.schedule_key_deletion()
        .key_id(&payments)
        .pending_window_in_days(30)
        .send()
        .await
        .map_err(failed)?;
    show.scene(
        "day 1",
        "Maria schedules the deletion of a key that encrypted something four hours ago.",
    )?;
    events(stage, show).await?;

    stage.aws.advance(jiff::SignedDuration::from_mins(25));
    kms.cancel_key_deletion()
        .key_id(&payments)
        .send()
        .await
        .map_err(failed)?;
    show.scene(
        "day 1",
        "25 minutes later she cancels it. Few know that the key is now off.",
    )?;
    events(stage, show).await?;

    kms.enable_key()
        .key_id(&payments)
        .send()
        .await
        .map_err(failed)?;
    kms.schedule_key_deletion()
        .key_id(&sessions)
        .pending_window_in_days(7)
        .send()
        .await
        .map_err(failed)?;
    show.scene(
        "day 1",
        "A key that nobody ever used is scheduled for deletion, too.",
    )?;
    events(stage, show).await?;

    stage.aws.advance_days(2);
    kms.rotate_key_on_demand()
        .key_id(&payments)
        .send()
        .await
        .map_err(failed)?;
    stage.aws.advance(jiff::SignedDuration::from_mins(10));
    show.scene(
        "day 3",
        "The payments key is rotated on demand. AWS tells it three ways.",
    )?;
    events(stage, show).await?;

    kms.disable_key_rotation()
        .key_id(&payments)
        .send()
        .await
        .map_err(failed)?;
    show.scene("day 3", "And its automatic rotation is switched off.")?;
    events(stage, show).await?;

    stage.aws.advance_days(6);
    show.scene("day 9", "The waiting period of the unused key is over.")?;
    events(stage, show).await?;

    stage.aws.advance_days(22);
    show.scene("day 31", "The imported key material has reached its end.")?;
    events(stage, show).await
}

/// Hands what AWS has sent to the functions.
async fn events(stage: &Stage, show: &mut Show) -> Result<(), DemoError> {
    for event in stage.aws.take_events() {
        if let Ok(tellings) = stage.handle(&event).await? {
            for telling in tellings {
                show.telling(&telling)?;
            }
        }
    }
    Ok(())
}

async fn create(
    stage: &Stage,
    origin: OriginType,
    about: &str,
    alias: &str,
    owner: &str,
) -> Result<String, DemoError> {
    let tag = Tag::builder()
        .tag_key("Owner")
        .tag_value(owner)
        .build()
        .map_err(|error| DemoError::Aws(error.to_string()))?;
    let created = stage
        .kms
        .create_key()
        .origin(origin)
        .description(about)
        .tags(tag)
        .send()
        .await
        .map_err(failed)?;
    let arn = created
        .key_metadata
        .and_then(|metadata| metadata.arn)
        .ok_or_else(|| DemoError::Aws("CreateKey answered without an ARN".to_owned()))?;
    stage
        .kms
        .create_alias()
        .alias_name(alias)
        .target_key_id(&arn)
        .send()
        .await
        .map_err(failed)?;
    Ok(arn)
}

async fn import(stage: &Stage, key: &str, days: i64) -> Result<(), DemoError> {
    let parameters = stage
        .kms
        .get_parameters_for_import()
        .key_id(key)
        .wrapping_algorithm(AlgorithmSpec::RsaesOaepSha256)
        .wrapping_key_spec(WrappingKeySpec::Rsa4096)
        .send()
        .await
        .map_err(failed)?;
    let valid_to = stage
        .aws
        .now()
        .saturating_add((days * 24).hours())
        .map_err(|error| DemoError::Aws(error.to_string()))?;
    stage
        .kms
        .import_key_material()
        .key_id(key)
        .set_import_token(parameters.import_token)
        .encrypted_key_material(Blob::new([7_u8; 512]))
        .expiration_model(ExpirationModelType::KeyMaterialExpires)
        .valid_to(DateTime::from_secs(valid_to.as_second()))
        .send()
        .await
        .map_err(failed)?;
    Ok(())
}

fn failed(error: impl ProvideErrorMetadata) -> DemoError {
    let (code, message) = (
        error.code().unwrap_or("no code"),
        error.message().unwrap_or("no message"),
    );
    DemoError::Aws(format!("{code}: {message}"))
}
