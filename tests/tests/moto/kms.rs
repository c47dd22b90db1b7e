//! The same calls of the KMS SDK to both.

use aws_sdk_kms::Client;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{DataKeySpec, IncludeKeyMaterial, KeySpec, KeyUsageType, OriginType, Tag};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::side::Side;

const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

/// A key with nothing special, and its id.
async fn key(side: &mut Side, step: &str) -> String {
    let call = side.kms.create_key().description(step).send();
    text(&side.step(step, call).await["KeyMetadata"]["KeyId"])
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder()
        .tag_key(key)
        .tag_value(value)
        .build()
        .unwrap()
}

pub(crate) async fn script(side: &mut Side) {
    let kms = side.kms.clone();
    creation(side, &kms).await;
    listing(side, &kms).await;
    refused_creation(side, &kms).await;
    selectors(side, &kms).await;
    aliases(side, &kms).await;
    tags(side, &kms).await;
    rotation(side, &kms).await;
    deletion(side, &kms).await;
    switches(side, &kms).await;
    policies(side, &kms).await;
    descriptions(side, &kms).await;
    cryptography(side, &kms).await;
}

async fn creation(side: &mut Side, kms: &Client) {
    let create = || kms.create_key();
    let plain = create()
        .description("ledger")
        .tags(tag("owner", "payments"))
        .send();
    side.step("create: symmetric", plain).await;
    for (spec, usage) in [
        (KeySpec::Rsa2048, KeyUsageType::SignVerify),
        (KeySpec::Rsa2048, KeyUsageType::EncryptDecrypt),
        (KeySpec::EccNistP256, KeyUsageType::SignVerify),
        (KeySpec::EccNistP256, KeyUsageType::KeyAgreement),
        (KeySpec::Hmac256, KeyUsageType::GenerateVerifyMac),
    ] {
        let step = format!("create: {spec} for {usage}");
        side.step(step, create().key_spec(spec).key_usage(usage).send())
            .await;
    }
    let imported = create().origin(OriginType::External).send();
    side.step("create: imported", imported).await;
    side.step("create: multi-Region", create().multi_region(true).send())
        .await;
}

async fn refused_creation(side: &mut Side, kms: &Client) {
    let create = || kms.create_key();
    for (spec, usage) in [
        (KeySpec::EccNistP256, KeyUsageType::EncryptDecrypt),
        (KeySpec::Hmac256, KeyUsageType::SignVerify),
        (KeySpec::SymmetricDefault, KeyUsageType::SignVerify),
    ] {
        let step = format!("create: {spec} for {usage}");
        side.step(step, create().key_spec(spec).key_usage(usage).send())
            .await;
    }
    side.step(
        "create: RSA_2048 without usage",
        create().key_spec(KeySpec::Rsa2048).send(),
    )
    .await;
    side.step(
        "create: unknown spec",
        create().key_spec(KeySpec::from("DES")).send(),
    )
    .await;
    side.step(
        "create: unknown usage",
        create().key_usage(KeyUsageType::from("SMELL")).send(),
    )
    .await;
    side.step(
        "create: malformed policy",
        create().policy("not json").send(),
    )
    .await;
    side.step(
        "create: reserved tag",
        create().tags(tag("aws:x", "y")).send(),
    )
    .await;
    side.step(
        "create: too long a description",
        create().description("d".repeat(8193)).send(),
    )
    .await;
}

async fn listing(side: &mut Side, kms: &Client) {
    let page = side
        .step("list keys: a page of one", kms.list_keys().limit(1).send())
        .await;
    let marker = page["NextMarker"].as_str().unwrap_or("missing").to_owned();
    let next = kms.list_keys().limit(1).marker(marker).send();
    side.step("list keys: the next page", next).await;
    side.step(
        "list keys: bad marker",
        kms.list_keys().marker("nonsense").send(),
    )
    .await;
    for limit in [0, 1000, 1001] {
        side.step(
            format!("list keys: limit {limit}"),
            kms.list_keys().limit(limit).send(),
        )
        .await;
    }
}

async fn selectors(side: &mut Side, kms: &Client) {
    let describe = |name: &str| kms.describe_key().key_id(name).send();
    let call = kms.create_key().description("selected").send();
    let made = side.step("selectors: create", call).await;
    let (id, arn) = (
        text(&made["KeyMetadata"]["KeyId"]),
        text(&made["KeyMetadata"]["Arn"]),
    );
    let alias = kms
        .create_alias()
        .alias_name("alias/selected")
        .target_key_id(&id);
    side.step("selectors: alias", alias.send()).await;
    let root = arn.split(":key/").next().unwrap();
    let elsewhere = arn.replace("eu-west-3", "eu-west-2");
    for (step, name) in [
        ("id", id.as_str()),
        ("ARN", &arn),
        ("alias", "alias/selected"),
        ("alias ARN", &format!("{root}:alias/selected")),
        ("unknown id", NOBODY),
        ("unknown ARN", &format!("{root}:key/{NOBODY}")),
        ("unknown alias", "alias/nobody"),
        ("unknown alias ARN", &format!("{root}:alias/nobody")),
        (
            "unknown multi-Region id",
            "mrk-00000000000040008000000000000000",
        ),
        ("no id", "not-an-id"),
        ("ARN of another Region", &elsewhere),
        (
            "ARN of another service",
            "arn:aws:sns:eu-west-3:123456789012:x",
        ),
        ("too long", &"a".repeat(2049)),
    ] {
        side.step(format!("describe: {step}"), describe(name)).await;
    }
    for (step, name) in [("alias", "alias/selected"), ("no id", "not-an-id")] {
        side.step(
            format!("rotation status by {step}"),
            kms.get_key_rotation_status().key_id(name).send(),
        )
        .await;
        side.step(
            format!("disable by {step}"),
            kms.disable_key().key_id(name).send(),
        )
        .await;
        side.step(
            format!("tags by {step}"),
            kms.list_resource_tags().key_id(name).send(),
        )
        .await;
        side.step(
            format!("policy by {step}"),
            kms.get_key_policy().key_id(name).send(),
        )
        .await;
        side.step(
            format!("aliases by {step}"),
            kms.list_aliases().key_id(name).send(),
        )
        .await;
        side.step(
            format!("schedule deletion by {step}"),
            kms.schedule_key_deletion().key_id(name).send(),
        )
        .await;
    }
}

async fn aliases(side: &mut Side, kms: &Client) {
    let first = key(side, "aliases: first key").await;
    let second = key(side, "aliases: second key").await;
    // For names that only one of the two takes.
    let spare = key(side, "aliases: spare key").await;
    let create = |name: &str, key: &str| {
        kms.create_alias()
            .alias_name(name)
            .target_key_id(key)
            .send()
    };
    let update = |name: &str, key: &str| {
        kms.update_alias()
            .alias_name(name)
            .target_key_id(key)
            .send()
    };
    for (step, name, key) in [
        ("create", "alias/ledger", first.as_str()),
        ("create again", "alias/ledger", &first),
        ("create again for another key", "alias/ledger", &second),
        ("create reserved", "alias/aws/ebs", &spare),
        ("create without prefix", "ledger", &spare),
        ("create without name", "alias/", &spare),
        ("create with a space", "alias/two words", &spare),
        (
            "create too long",
            &format!("alias/{}", "a".repeat(251)),
            &spare,
        ),
        ("create for unknown key", "alias/nobody", NOBODY),
        ("create for an alias", "alias/twice", "alias/ledger"),
    ] {
        side.step(format!("alias: {step}"), create(name, key)).await;
    }
    side.step(
        "alias: list of key",
        kms.list_aliases().key_id(&first).send(),
    )
    .await;
    side.step(
        "alias: list of unknown key",
        kms.list_aliases().key_id(NOBODY).send(),
    )
    .await;
    for (step, name, key) in [
        ("update", "alias/ledger", second.as_str()),
        ("update to unknown key", "alias/ledger", NOBODY),
        ("update unknown", "alias/nobody", &second),
    ] {
        side.step(format!("alias: {step}"), update(name, key)).await;
    }
    for (step, key) in [("old", &first), ("new", &second)] {
        let list = kms.list_aliases().key_id(key).send();
        side.step(format!("alias: list of {step} key after update"), list)
            .await;
    }
    for step in ["delete", "delete again"] {
        let call = kms.delete_alias().alias_name("alias/ledger").send();
        side.step(format!("alias: {step}"), call).await;
    }
    side.step(
        "alias: list of key after delete",
        kms.list_aliases().key_id(&second).send(),
    )
    .await;
}

async fn tags(side: &mut Side, kms: &Client) {
    let id = key(side, "tags: key").await;
    // For tags that only one of the two takes.
    let spare = key(side, "tags: spare key").await;
    let tag_it =
        |id: &str, tags: Vec<Tag>| kms.tag_resource().key_id(id).set_tags(Some(tags)).send();
    let list = || kms.list_resource_tags().key_id(&id);
    side.step("tags: none", list().send()).await;
    side.step(
        "tags: two",
        tag_it(&id, vec![tag("owner", "payments"), tag("stage", "")]),
    )
    .await;
    side.step("tags: overwrite", tag_it(&id, vec![tag("owner", "ledger")]))
        .await;
    side.step("tags: list", list().send()).await;
    let page = side.step("tags: list one", list().limit(1).send()).await;
    let marker = page["NextMarker"].as_str().unwrap_or("missing").to_owned();
    side.step("tags: list the next", list().limit(1).marker(marker).send())
        .await;
    side.step("tags: limit 51", list().limit(51).send()).await;
    for (step, tags) in [
        ("reserved", vec![tag("aws:owner", "x")]),
        ("key too long", vec![tag(&"k".repeat(129), "x")]),
        ("value too long", vec![tag("k", &"v".repeat(257))]),
        ("empty key", vec![tag("", "x")]),
        ("twice", vec![tag("k", "1"), tag("k", "2")]),
        (
            "51",
            (0..51).map(|n| tag(&format!("k{n:02}"), "v")).collect(),
        ),
    ] {
        side.step(format!("tags: {step}"), tag_it(&spare, tags))
            .await;
    }
    let untag = |name: &str| kms.untag_resource().key_id(&id).tag_keys(name).send();
    side.step("tags: remove", untag("owner")).await;
    side.step("tags: remove unknown", untag("nothing")).await;
    side.step("tags: list after removal", list().send()).await;
    let unknown = kms.tag_resource().key_id(NOBODY).tags(tag("a", "b")).send();
    side.step("tags: unknown key", unknown).await;
    side.step(
        "tags: list of unknown key",
        kms.list_resource_tags().key_id(NOBODY).send(),
    )
    .await;
}

async fn rotation(side: &mut Side, kms: &Client) {
    let id = key(side, "rotation: key").await;
    let status = |id: &str| kms.get_key_rotation_status().key_id(id).send();
    let enable = |id: &str, days: Option<i32>| {
        kms.enable_key_rotation()
            .key_id(id)
            .set_rotation_period_in_days(days)
            .send()
    };
    let disable = |id: &str| kms.disable_key_rotation().key_id(id).send();
    side.step("rotation: status at first", status(&id)).await;
    side.step("rotation: on", enable(&id, None)).await;
    side.step("rotation: status when on", status(&id)).await;
    for days in [89, 90, 2560, 2561] {
        side.step(format!("rotation: every {days}"), enable(&id, Some(days)))
            .await;
        side.step(format!("rotation: status after {days}"), status(&id))
            .await;
    }
    side.step("rotation: off", disable(&id)).await;
    side.step("rotation: status when off", status(&id)).await;
    side.step("rotation: off again", disable(&id)).await;

    let list = |id: &str| kms.list_key_rotations().key_id(id);
    side.step("rotation: none to list", list(&id).send()).await;
    let on_demand = |id: &str| kms.rotate_key_on_demand().key_id(id).send();
    side.step("rotation: on demand", on_demand(&id)).await;
    side.step("rotation: status during one on demand", status(&id))
        .await;
    let all = IncludeKeyMaterial::AllKeyMaterial;
    side.step(
        "rotation: all material",
        list(&id).include_key_material(all).send(),
    )
    .await;

    let unknown = NOBODY;
    side.step("rotation: status of unknown key", status(unknown))
        .await;
    side.step("rotation: on for unknown key", enable(unknown, None))
        .await;
    side.step("rotation: off for unknown key", disable(unknown))
        .await;
    side.step("rotation: list of unknown key", list(unknown).send())
        .await;
    side.step("rotation: on demand for unknown key", on_demand(unknown))
        .await;

    let rsa = kms
        .create_key()
        .key_spec(KeySpec::Rsa2048)
        .key_usage(KeyUsageType::SignVerify)
        .send();
    let rsa = text(&side.step("rotation: RSA key", rsa).await["KeyMetadata"]["KeyId"]);
    side.step("rotation: status of RSA", status(&rsa)).await;
    side.step("rotation: on for RSA", enable(&rsa, None)).await;
    side.step("rotation: off for RSA", disable(&rsa)).await;
    side.step("rotation: on demand for RSA", on_demand(&rsa))
        .await;
    side.step("rotation: list of RSA", list(&rsa).send()).await;

    let off = key(side, "rotation: key to disable").await;
    side.step(
        "rotation: disable the key",
        kms.disable_key().key_id(&off).send(),
    )
    .await;
    side.step("rotation: on for disabled key", enable(&off, None))
        .await;
    side.step("rotation: off for disabled key", disable(&off))
        .await;
    side.step("rotation: on demand for disabled key", on_demand(&off))
        .await;
}

async fn deletion(side: &mut Side, kms: &Client) {
    let id = key(side, "deletion: key").await;
    let other = key(side, "deletion: other key").await;
    let alias = |name: &str, key: &str| {
        kms.create_alias()
            .alias_name(name)
            .target_key_id(key)
            .send()
    };
    side.step("deletion: alias of it", alias("alias/doomed", &id))
        .await;
    side.step("deletion: alias of other", alias("alias/other", &other))
        .await;
    side.step(
        "deletion: rotation on",
        kms.enable_key_rotation().key_id(&id).send(),
    )
    .await;
    let schedule = |id: &str, days: Option<i32>| {
        kms.schedule_key_deletion()
            .key_id(id)
            .set_pending_window_in_days(days)
            .send()
    };
    let cancel = |id: &str| kms.cancel_key_deletion().key_id(id).send();
    let describe = |id: &str| kms.describe_key().key_id(id).send();
    side.step("deletion: cancel when not pending", cancel(&id))
        .await;
    for days in [6, 31] {
        side.step(
            format!("deletion: in {days} days"),
            schedule(&id, Some(days)),
        )
        .await;
    }
    side.step("deletion: in 7 days", schedule(&id, Some(7)))
        .await;
    side.step("deletion: described", describe(&id)).await;
    side.step("deletion: again", schedule(&id, None)).await;
    while_pending(side, kms, &id).await;
    let update = kms
        .update_alias()
        .alias_name("alias/other")
        .target_key_id(&id);
    side.step("pending: alias to it", update.send()).await;
    let update = kms
        .update_alias()
        .alias_name("alias/doomed")
        .target_key_id(&other);
    side.step("pending: alias away from it", update.send())
        .await;
    side.step("pending: new alias", alias("alias/late", &id))
        .await;
    side.step("deletion: cancel", cancel(&id)).await;
    side.step("deletion: described after cancel", describe(&id))
        .await;
    side.step(
        "deletion: rotation status after cancel",
        kms.get_key_rotation_status().key_id(&id).send(),
    )
    .await;
    side.step("deletion: cancel again", cancel(&id)).await;
    side.step("deletion: default window", schedule(&id, None))
        .await;
    side.step("deletion: of unknown key", schedule(NOBODY, None))
        .await;
    side.step("deletion: cancel of unknown key", cancel(NOBODY))
        .await;
}

/// What works while a deletion is pending, and what does not.
async fn while_pending(side: &mut Side, kms: &Client, id: &str) {
    side.step(
        "pending: rotation status",
        kms.get_key_rotation_status().key_id(id).send(),
    )
    .await;
    side.step("pending: enable", kms.enable_key().key_id(id).send())
        .await;
    side.step("pending: disable", kms.disable_key().key_id(id).send())
        .await;
    side.step(
        "pending: encrypt",
        kms.encrypt()
            .key_id(id)
            .plaintext(Blob::new("secret"))
            .send(),
    )
    .await;
    side.step(
        "pending: data key",
        kms.generate_data_key()
            .key_id(id)
            .key_spec(DataKeySpec::Aes256)
            .send(),
    )
    .await;
    side.step(
        "pending: tag",
        kms.tag_resource().key_id(id).tags(tag("a", "b")).send(),
    )
    .await;
    side.step(
        "pending: untag",
        kms.untag_resource().key_id(id).tag_keys("a").send(),
    )
    .await;
    side.step("pending: tags", kms.list_resource_tags().key_id(id).send())
        .await;
    side.step(
        "pending: description",
        kms.update_key_description()
            .key_id(id)
            .description("deletion: key")
            .send(),
    )
    .await;
    side.step(
        "pending: rotation on",
        kms.enable_key_rotation().key_id(id).send(),
    )
    .await;
    side.step(
        "pending: rotation off",
        kms.disable_key_rotation().key_id(id).send(),
    )
    .await;
    side.step(
        "pending: rotation on demand",
        kms.rotate_key_on_demand().key_id(id).send(),
    )
    .await;
    side.step("pending: policy", kms.get_key_policy().key_id(id).send())
        .await;
}

async fn switches(side: &mut Side, kms: &Client) {
    let id = key(side, "switch: key").await;
    let enable = |id: &str| kms.enable_key().key_id(id).send();
    let disable = |id: &str| kms.disable_key().key_id(id).send();
    side.step("switch: on when on", enable(&id)).await;
    side.step("switch: off", disable(&id)).await;
    side.step("switch: off when off", disable(&id)).await;
    side.step(
        "switch: described when off",
        kms.describe_key().key_id(&id).send(),
    )
    .await;
    side.step(
        "switch: encrypt when off",
        kms.encrypt()
            .key_id(&id)
            .plaintext(Blob::new("secret"))
            .send(),
    )
    .await;
    side.step(
        "switch: data key when off",
        kms.generate_data_key()
            .key_id(&id)
            .key_spec(DataKeySpec::Aes256)
            .send(),
    )
    .await;
    side.step("switch: on", enable(&id)).await;
    side.step(
        "switch: described when on",
        kms.describe_key().key_id(&id).send(),
    )
    .await;
    side.step("switch: on for unknown key", enable(NOBODY))
        .await;
    side.step("switch: off for unknown key", disable(NOBODY))
        .await;
}

async fn policies(side: &mut Side, kms: &Client) {
    const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"all","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"kms:*","Resource":"*"}]}"#;
    let id = key(side, "policy: key").await;
    let get = || kms.get_key_policy().key_id(&id);
    let put = |policy: &str| {
        let call = kms.put_key_policy().key_id(&id).policy(policy);
        call.policy_name("default")
    };
    side.step("policy: default", get().send()).await;
    side.step(
        "policy: default by name",
        get().policy_name("default").send(),
    )
    .await;
    let unnamed = kms.put_key_policy().key_id(&id).policy(POLICY);
    side.step("policy: put without name", unnamed.send()).await;
    side.step("policy: put", put(POLICY).send()).await;
    side.step("policy: get", get().send()).await;
    side.step("policy: get by name", get().policy_name("default").send())
        .await;
    side.step(
        "policy: get by another name",
        get().policy_name("other").send(),
    )
    .await;
    side.step(
        "policy: put by another name",
        put(POLICY).policy_name("other").send(),
    )
    .await;
    side.step("policy: put what is no JSON", put("not json").send())
        .await;
    side.step("policy: put what is no policy", put("[]").send())
        .await;
    side.step("policy: list", kms.list_key_policies().key_id(&id).send())
        .await;
    let unknown = NOBODY;
    side.step(
        "policy: get of unknown key",
        kms.get_key_policy().key_id(unknown).send(),
    )
    .await;
    side.step(
        "policy: put for unknown key",
        kms.put_key_policy().key_id(unknown).policy(POLICY).send(),
    )
    .await;
    side.step(
        "policy: list of unknown key",
        kms.list_key_policies().key_id(unknown).send(),
    )
    .await;
}

async fn descriptions(side: &mut Side, kms: &Client) {
    let id = key(side, "description: key").await;
    let update = |id: &str, description: &str| {
        kms.update_key_description()
            .key_id(id)
            .description(description)
            .send()
    };
    side.step("description: update", update(&id, "the ledger"))
        .await;
    side.step("description: get", kms.describe_key().key_id(&id).send())
        .await;
    side.step("description: none", update(&id, "")).await;
    side.step("description: longest", update(&id, &"d".repeat(8192)))
        .await;
    side.step("description: too long", update(&id, &"d".repeat(8193)))
        .await;
    side.step("description: of unknown key", update(NOBODY, "x"))
        .await;
}

async fn cryptography(side: &mut Side, kms: &Client) {
    let id = key(side, "crypto: key").await;
    let other = key(side, "crypto: other key").await;
    let encrypt =
        |id: &str, plaintext: &[u8]| kms.encrypt().key_id(id).plaintext(Blob::new(plaintext));
    let made = side
        .step("crypto: encrypt", encrypt(&id, b"secret").send())
        .await;
    let ciphertext = decode(made["CiphertextBlob"].as_str().unwrap());
    let decrypt = |ciphertext: &[u8]| kms.decrypt().ciphertext_blob(Blob::new(ciphertext));
    let plain = side
        .step("crypto: decrypt", decrypt(&ciphertext).send())
        .await;
    assert_eq!(plain["Plaintext"], "c2VjcmV0");
    side.step(
        "crypto: decrypt with the key",
        decrypt(&ciphertext).key_id(&id).send(),
    )
    .await;
    side.step(
        "crypto: decrypt with another key",
        decrypt(&ciphertext).key_id(&other).send(),
    )
    .await;
    side.step(
        "crypto: decrypt with unknown key",
        decrypt(&ciphertext).key_id(NOBODY).send(),
    )
    .await;
    side.step(
        "crypto: decrypt with a context too many",
        decrypt(&ciphertext).encryption_context("a", "b").send(),
    )
    .await;
    let garbage = vec![7; 200];
    side.step("crypto: decrypt garbage", decrypt(&garbage).send())
        .await;

    let call = encrypt(&id, b"secret").encryption_context("a", "b").send();
    let made = side.step("crypto: encrypt with context", call).await;
    let ciphertext = decode(made["CiphertextBlob"].as_str().unwrap());
    side.step(
        "crypto: decrypt with context",
        decrypt(&ciphertext).encryption_context("a", "b").send(),
    )
    .await;
    side.step(
        "crypto: decrypt with another context",
        decrypt(&ciphertext).encryption_context("a", "c").send(),
    )
    .await;
    side.step(
        "crypto: decrypt without context",
        decrypt(&ciphertext).send(),
    )
    .await;

    side.step("crypto: encrypt nothing", encrypt(&id, b"").send())
        .await;
    side.step(
        "crypto: encrypt 4096 bytes",
        encrypt(&id, &[1; 4096]).send(),
    )
    .await;
    side.step(
        "crypto: encrypt 4097 bytes",
        encrypt(&id, &[1; 4097]).send(),
    )
    .await;
    side.step(
        "crypto: encrypt with unknown key",
        encrypt(NOBODY, b"secret").send(),
    )
    .await;
    side.step(
        "crypto: encrypt with unknown alias",
        encrypt("alias/nobody", b"secret").send(),
    )
    .await;

    let data_key = || kms.generate_data_key().key_id(&id);
    for spec in [DataKeySpec::Aes128, DataKeySpec::Aes256] {
        side.step(
            format!("crypto: data key {spec}"),
            data_key().key_spec(spec).send(),
        )
        .await;
    }
    for bytes in [0, 64, 1024, 1025] {
        side.step(
            format!("crypto: data key of {bytes} bytes"),
            data_key().number_of_bytes(bytes).send(),
        )
        .await;
    }
    side.step("crypto: data key of no length", data_key().send())
        .await;
    let both = data_key().key_spec(DataKeySpec::Aes256).number_of_bytes(32);
    side.step("crypto: data key of two lengths", both.send())
        .await;
    let unknown = kms
        .generate_data_key()
        .key_id(NOBODY)
        .key_spec(DataKeySpec::Aes256);
    side.step("crypto: data key of unknown key", unknown.send())
        .await;

    let signing = kms
        .create_key()
        .key_spec(KeySpec::EccNistP256)
        .key_usage(KeyUsageType::SignVerify)
        .send();
    let signing = text(&side.step("crypto: signing key", signing).await["KeyMetadata"]["KeyId"]);
    side.step(
        "crypto: encrypt with signing key",
        encrypt(&signing, b"secret").send(),
    )
    .await;
    side.step(
        "crypto: data key of signing key",
        kms.generate_data_key()
            .key_id(&signing)
            .key_spec(DataKeySpec::Aes256)
            .send(),
    )
    .await;
}

fn decode(text: &str) -> Vec<u8> {
    STANDARD.decode(text).unwrap()
}
