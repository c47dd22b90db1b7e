//! Credentials, Regions, and what is said when AWS cannot be asked.

use std::io::{Read, Write};
use std::net::TcpListener;

use watch_local::{LocalAws, NewKey};

use crate::setup::{ACCESS_KEY, Ran, at, aws, bare, folder, run};

fn refused(ran: &Ran, words: &[&str]) {
    assert_eq!((ran.code, ran.out.as_str()), (Some(3), ""), "{ran:?}");
    for word in words {
        assert!(ran.err.contains(word), "{word}: {}", ran.err);
    }
    assert!(
        !ran.err.contains("panicked") && !ran.err.contains("backtrace"),
        "{}",
        ran.err
    );
}

fn signers(aws: &LocalAws) -> Vec<String> {
    let mut signers: Vec<_> = aws
        .requests()
        .into_iter()
        .map(|request| request.access_key)
        .collect();
    signers.sort_unstable();
    signers.dedup();
    signers
}

#[test]
fn a_wrong_command_line_asks_nothing_of_aws() {
    let aws = aws();
    let folder = folder();
    let there = folder.to_str().unwrap();
    let nowhere = folder.join("no/keys.csv");
    for (words, complaint) in [
        (&["--nonsense"][..], "'--nonsense'"),
        (&["keys"], "'keys'"),
        (&["--format", "xml"], "table, json, csv"),
        (&["--fail-on", "old"], "'old'"),
        (&["--region", "Frankfurt"], "not the name of a Region"),
        (&["--within", "soon"], "'soon'"),
        (&["-o", there], "it is a directory"),
        (
            &["-o", nowhere.to_str().unwrap()],
            "its folder does not exist",
        ),
        (&["-o", "/dev/null"], "it is no ordinary file"),
        (&["--fail-on=unused", "--no-last-use"], "forbids"),
    ] {
        let ran = run(&aws, words);
        assert_eq!(
            (ran.code, ran.out.as_str()),
            (Some(2), ""),
            "{words:?}: {ran:?}"
        );
        assert!(ran.err.contains(complaint), "{words:?}: {}", ran.err);
    }
    assert!(aws.requests().is_empty());
}

#[test]
fn help_and_version_need_nothing() {
    for words in [&["--help"][..], &["--", "--help"], &["-h"]] {
        let ran = Ran::of(bare(words));
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
        assert!(
            ran.out.contains("Usage: kms-watch inventory"),
            "{}",
            ran.out
        );
        assert!(ran.out.lines().all(|line| line.len() <= 110));
    }
    let version = Ran::of(bare(&["--version"]));
    assert_eq!(
        version.out,
        concat!("kms-watch-inventory ", env!("CARGO_PKG_VERSION"), "\n")
    );
}

#[test]
fn who_may_not_list_keys_is_told_so() {
    let aws = aws();
    aws.faults().deny("ListKeys");
    let ran = run(&aws, &[]);
    refused(
        &ran,
        &[
            "ListKeys failed in us-east-1: AccessDenied",
            "an IAM policy has to allow",
        ],
    );
}

#[test]
fn without_credentials_it_says_where_to_get_some() {
    let mut command = bare(&["--region", "us-east-1"]);
    command.env("AWS_ENDPOINT_URL", "http://127.0.0.1:9");
    refused(
        &Ran::of(command),
        &[
            "no credentials",
            "--profile",
            "aws sso login",
            "AWS_ACCESS_KEY_ID",
        ],
    );
}

#[test]
fn without_a_region_those_of_the_account_are_read() {
    let aws = aws();
    aws.add_key(NewKey::symmetric());
    let mut command = at(&aws.endpoint_url(), &["--format=json", "--no-last-use"]);
    command.env_remove("AWS_REGION");
    assert_eq!(Ran::of(command).json().len(), 1);
}

#[test]
fn a_profile_that_is_not_there_is_named() {
    let ran = run(&aws(), &["--profile", "audit"]);
    refused(&ran, &["no credentials: profile audit: ", "~/.aws/config"]);
}

/// It was once missed for its Region, and its credentials were once said to be taken.
#[test]
fn a_profile_that_is_not_there_is_named_whatever_else_is_missing() {
    for words in [
        &["--profile=nope"][..],
        &["--profile=nope", "--region=us-east-1"],
    ] {
        let ran = Ran::of(bare(words));
        refused(&ran, &["no credentials: profile nope: ", "~/.aws/config"]);
        assert!(!ran.err.contains("taken"), "{}", ran.err);
    }
}

#[test]
fn an_address_that_is_none_is_named() {
    for (name, value) in [
        ("AWS_ENDPOINT_URL", ""),
        ("AWS_ENDPOINT_URL_KMS", "localhost:4566"),
    ] {
        let mut command = at("http://127.0.0.1:9", &[]);
        command.env(name, value);
        refused(&Ran::of(command), &[name, "is no address of a service"]);
    }
}

#[test]
fn credentials_that_have_expired_are_to_be_renewed() {
    let expired = service(400, r#"{"__type":"ExpiredTokenException","message":"no"}"#);
    let ran = Ran::of(at(&expired, &[]));
    refused(&ran, &["ExpiredTokenException", "sign in again"]);
}

#[test]
fn a_network_without_an_answer_is_one_to_check() {
    // The client speaks TLS, and nobody answers in it: without TLS the words would be others.
    let plain = service(200, "{}").replace("http:", "https:");
    let ran = Ran::of(at(&plain, &[]));
    refused(&ran, &["DispatchFailure", "check the network"]);
    // Nobody listens on the first port, and the system gives it to nobody.
    let ran = Ran::of(at("http://127.0.0.1:1", &[]));
    refused(&ran, &["check the network"]);
}

/// What `--profile audit` signs with, if the profile says this.
fn signer_of(profile: &str, environment: &[(&str, &str)]) -> Vec<String> {
    let aws = aws();
    aws.set_regions(&["eu-west-3"]);
    aws.add_key(NewKey::symmetric().in_region("eu-west-3"));
    let config = folder().join("config");
    std::fs::write(
        &config,
        format!("[profile audit]\nregion = eu-west-3\n{profile}"),
    )
    .unwrap();
    let words = ["--profile=audit", "--format=json", "--no-last-use"];
    let mut command = at(&aws.endpoint_url(), &words);
    command
        .env("AWS_CONFIG_FILE", &config)
        .env_remove("AWS_REGION")
        .envs(environment.iter().copied());
    let report = Ran::of(command).json();
    assert_eq!(
        (report.len(), &report[0]["region"]),
        (1, &"eu-west-3".into())
    );
    signers(&aws)
}

#[test]
fn a_profile_that_is_named_comes_before_the_environment() {
    let profile = "aws_access_key_id = AKIDPROFILE\naws_secret_access_key = secret\n";
    assert_eq!(signer_of(profile, &[]), ["AKIDPROFILE"]);
    let aws = aws();
    run(&aws, &[]);
    assert_eq!(signers(&aws), [ACCESS_KEY]);
}

#[test]
#[cfg(unix)]
fn a_profile_may_have_another_program_for_its_credentials() {
    let output = r#"{"Version": 1, "AccessKeyId": "AKIDPROCESS", "SecretAccessKey": "secret"}"#;
    let profile = format!("credential_process = echo '{output}'\n");
    assert_eq!(signer_of(&profile, &[]), ["AKIDPROCESS"]);
}

#[test]
fn a_profile_may_be_a_role() {
    let answer = "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
        <AssumedRoleUser><AssumedRoleId>A:b</AssumedRoleId><Arn>arn:aws:sts::111122223333:assumed-role/audit/b</Arn></AssumedRoleUser>\
        <Credentials><AccessKeyId>AKIDROLE</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>\
        <Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>";
    let profile = "role_arn = arn:aws:iam::111122223333:role/audit\nsource_profile = audit\n\
        aws_access_key_id = AKIDPROFILE\naws_secret_access_key = secret\n";
    let sts = service(200, answer);
    assert_eq!(
        signer_of(profile, &[("AWS_ENDPOINT_URL_STS", &sts)]),
        ["AKIDROLE"]
    );
}

#[test]
fn a_profile_may_be_signed_in_by_single_sign_on() {
    let home = folder();
    let cache = home.join(".aws/sso/cache");
    std::fs::create_dir_all(&cache).unwrap();
    // The SHA-1 of the start URL, as the AWS CLI names the file.
    let token = r#"{"accessToken": "token", "expiresAt": "2999-01-01T00:00:00Z", "region": "us-east-1",
        "startUrl": "https://example.awsapps.com/start"}"#;
    std::fs::write(
        cache.join("e8be5486177c5b5392bd9aa76563515b29358e6e.json"),
        token,
    )
    .unwrap();
    let profile = "sso_start_url = https://example.awsapps.com/start\nsso_region = us-east-1\n\
        sso_account_id = 111122223333\nsso_role_name = audit\n";
    let answer = r#"{"roleCredentials": {"accessKeyId": "AKIDSSO", "secretAccessKey": "secret",
        "sessionToken": "token", "expiration": 32472144000000}}"#;
    let sso = service(200, answer);
    let environment = [
        ("AWS_ENDPOINT_URL_SSO", sso.as_str()),
        ("HOME", home.to_str().unwrap()),
    ];
    assert_eq!(signer_of(profile, &environment), ["AKIDSSO"]);

    // Signed out.
    let config = folder().join("config");
    std::fs::write(
        &config,
        format!("[profile audit]\nregion = eu-west-3\n{profile}"),
    )
    .unwrap();
    let mut command = bare(&["--profile=audit"]);
    command.env("AWS_CONFIG_FILE", &config);
    refused(&Ran::of(command), &["no credentials", "aws sso login"]);
}

#[test]
fn the_proxy_of_the_environment_is_used() {
    let aws = aws();
    aws.add_key(NewKey::symmetric());
    let words = ["--format=json", "--no-last-use"];
    let mut command = at("http://kms.invalid", &words);
    command.env("HTTP_PROXY", aws.endpoint_url());
    assert_eq!(Ran::of(command).json().len(), 1);
}

#[test]
fn regions_that_are_named_are_told_together() {
    let aws = aws();
    aws.set_regions(&["us-east-1", "eu-west-1"]);
    aws.add_key(NewKey::symmetric().alias("alias/b"));
    aws.add_key(NewKey::symmetric().alias("alias/a").in_region("eu-west-1"));
    let words = ["--region=us-east-1", "--region=eu-west-1", "--no-last-use"];
    let report = run(&aws, &[&words[..], &["--format=json"]].concat()).json();
    let told: Vec<_> = report
        .iter()
        .map(|row| row["region"].as_str().unwrap())
        .collect();
    assert_eq!(told, ["eu-west-1", "us-east-1"], "by alias");
    let table = run(&aws, &words).out;
    assert!(table.lines().next().unwrap().contains("REGION"), "{table}");
    assert!(
        table.contains("2 keys of account 111122223333 in eu-west-1, us-east-1"),
        "{table}"
    );
    let one = run(&aws, &["--no-last-use", "--region=us-east-1"]).out;
    assert!(!one.contains("REGION"), "{one}");
}

/// A service that gives this answer to everything.
fn service(status: u16, body: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answer = format!(
        "HTTP/1.1 {status} Answer\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut asked = [0; 8_192];
            let _ = stream.read(&mut asked);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    format!("http://{address}")
}
