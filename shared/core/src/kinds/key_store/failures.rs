//! Why KMS could not connect a key store: what each of its codes means, and what to do.

/// Why an attempt to connect failed: what KMS's code means, and what to do.
pub(super) struct Failure {
    pub(super) code: &'static str,
    pub(super) means: &'static str,
    pub(super) advice: &'static str,
}

impl Failure {
    pub(super) fn of(code: &str) -> Option<&'static Self> {
        FAILURES.iter().find(|failure| failure.code == code)
    }
}

/// The codes of failed connections (KMS API Reference, CustomKeyStoresListEntry, ConnectionErrorCode).
static FAILURES: [Failure; 18] = [
    Failure {
        code: "INVALID_CREDENTIALS",
        means: "KMS does not have the right password of the user kmsuser in the CloudHSM cluster.",
        advice: "Change the password of kmsuser in the cluster, and give KMS the new one (update-custom-key-store)",
    },
    Failure {
        code: "CLUSTER_NOT_FOUND",
        means: "KMS cannot find the CloudHSM cluster: it was deleted, or is another one now.",
        advice: "Find the cluster. If it was deleted, make one from a backup of it at once, and give KMS its id \
                 (update-custom-key-store): without the backup the keys are lost",
    },
    Failure {
        code: "NETWORK_ERRORS",
        means: "Errors of the network keep KMS from the CloudHSM cluster or the external key manager.",
        advice: "Look at the network: security groups, network ACLs and routes of the cluster, or the way to the proxy",
    },
    Failure {
        code: "INTERNAL_ERROR",
        means: "KMS failed for reasons of its own.",
        advice: "Try again; if it goes on, ask AWS Support",
    },
    Failure {
        code: "INSUFFICIENT_CLOUDHSM_HSMS",
        means: "The CloudHSM cluster has no active HSM.",
        advice: "Create an HSM in the cluster, two of them in different zones if the keys are to stay available",
    },
    Failure {
        code: "USER_LOCKED_OUT",
        means: "The user kmsuser is locked out of the CloudHSM cluster after too many wrong passwords.",
        advice: "Change the password of kmsuser in the cluster, and give KMS the new one (update-custom-key-store)",
    },
    Failure {
        code: "USER_NOT_FOUND",
        means: "The CloudHSM cluster has no user kmsuser.",
        advice: "Create the crypto user kmsuser in the cluster, and give KMS its password (update-custom-key-store)",
    },
    Failure {
        code: "USER_LOGGED_IN",
        means: "The user kmsuser is logged in to the CloudHSM cluster, so that KMS cannot log in and change its password.",
        advice: "Log kmsuser out of the cluster; if its password was changed, give KMS the new one (update-custom-key-store)",
    },
    Failure {
        code: "SUBNET_NOT_FOUND",
        means: "A subnet of the CloudHSM cluster was deleted.",
        advice: "Make a new cluster from a recent backup, in subnets that exist, and give KMS its id (update-custom-key-store)",
    },
    Failure {
        code: "INSUFFICIENT_FREE_ADDRESSES_IN_SUBNET",
        means: "A subnet of the CloudHSM cluster has no free IP address, of which KMS needs one in each.",
        advice: "Free an IP address, better two, in each subnet of the cluster",
    },
    Failure {
        code: "XKS_PROXY_ACCESS_DENIED",
        means: "The external key store's proxy refuses the requests of KMS.",
        advice: "Look at the rules of the proxy: they must let KMS in, with the credential that it has",
    },
    Failure {
        code: "XKS_PROXY_NOT_REACHABLE",
        means: "KMS cannot reach the external key store's proxy.",
        advice: "See that the proxy runs, and that its endpoint is the one that KMS has (update-custom-key-store)",
    },
    Failure {
        code: "XKS_VPC_ENDPOINT_SERVICE_NOT_FOUND",
        means: "KMS cannot find the VPC endpoint service through which it talks to the proxy.",
        advice: "See that the VPC endpoint service exists, has the name that KMS has, and admits KMS",
    },
    Failure {
        code: "XKS_PROXY_INVALID_RESPONSE",
        means: "The external key store's proxy answers what KMS does not understand.",
        advice: "Ask those who run the proxy: it must keep to the specification of AWS for such proxies",
    },
    Failure {
        code: "XKS_PROXY_INVALID_CONFIGURATION",
        means: "The settings of the external key store do not fit its proxy.",
        advice: "Compare the path of the proxy with the one that KMS has (update-custom-key-store)",
    },
    Failure {
        code: "XKS_VPC_ENDPOINT_SERVICE_INVALID_CONFIGURATION",
        means: "The VPC endpoint service through which KMS talks to the proxy is not set up as KMS needs it.",
        advice: "Compare the VPC endpoint service with what the KMS Developer Guide asks for: its private DNS name, its Region, \
                 its load balancer, and that KMS is admitted",
    },
    Failure {
        code: "XKS_PROXY_TIMED_OUT",
        means: "The external key store's proxy does not answer in time.",
        advice: "Look at the load of the proxy, at the network and at the external key manager behind it",
    },
    Failure {
        code: "XKS_PROXY_INVALID_TLS_CONFIGURATION",
        means: "KMS and the external key store's proxy do not agree on TLS.",
        advice: "Look at the certificate of the proxy (not expired, right name, from a public authority), and that it speaks TLS \
                 1.2 or 1.3",
    },
];
