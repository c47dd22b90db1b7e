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
        means: "KMS does not have the current password of the user kmsuser in the CloudHSM cluster.",
        advice: "Set a new password for kmsuser in the cluster, and give it to KMS with update-custom-key-store",
    },
    Failure {
        code: "CLUSTER_NOT_FOUND",
        means: "KMS cannot find the CloudHSM cluster: the cluster was deleted, or its id changed.",
        advice: "Find the cluster. If it was deleted, create one from a backup, and set its id with update-custom-key-store. Without a \
                 backup the keys are unrecoverable",
    },
    Failure {
        code: "NETWORK_ERRORS",
        means: "Network errors keep KMS from the CloudHSM cluster or the external key manager.",
        advice: "Check security groups, network ACLs and routes of the cluster, or the network path to the proxy",
    },
    Failure {
        code: "INTERNAL_ERROR",
        means: "KMS reports an internal error.",
        advice: "Try again. If the error persists, open a case with AWS Support",
    },
    Failure {
        code: "INSUFFICIENT_CLOUDHSM_HSMS",
        means: "The CloudHSM cluster has no active HSM.",
        advice: "Create an HSM in the cluster, better two in different Availability Zones",
    },
    Failure {
        code: "USER_LOCKED_OUT",
        means: "The user kmsuser is locked out of the CloudHSM cluster after too many wrong passwords.",
        advice: "Set a new password for kmsuser in the cluster, and give it to KMS with update-custom-key-store",
    },
    Failure {
        code: "USER_NOT_FOUND",
        means: "The CloudHSM cluster has no user kmsuser.",
        advice: "Create the crypto user kmsuser in the cluster, and give its password to KMS with update-custom-key-store",
    },
    Failure {
        code: "USER_LOGGED_IN",
        means: "The user kmsuser is logged in to the CloudHSM cluster, so KMS cannot log in.",
        advice: "Log kmsuser out of the cluster. If its password changed, give it to KMS with update-custom-key-store",
    },
    Failure {
        code: "SUBNET_NOT_FOUND",
        means: "A subnet of the CloudHSM cluster was deleted.",
        advice: "Create a cluster from a recent backup in existing subnets, and set its id with update-custom-key-store",
    },
    Failure {
        code: "INSUFFICIENT_FREE_ADDRESSES_IN_SUBNET",
        means: "A subnet of the CloudHSM cluster has no free IP address. KMS needs one in each subnet.",
        advice: "Free an IP address, better two, in each subnet of the cluster",
    },
    Failure {
        code: "XKS_PROXY_ACCESS_DENIED",
        means: "The external key store proxy refuses the requests of KMS.",
        advice: "Check the proxy's authorization: it must allow KMS with the proxy authentication credential that KMS has",
    },
    Failure {
        code: "XKS_PROXY_NOT_REACHABLE",
        means: "KMS cannot reach the external key store proxy.",
        advice: "Check that the proxy runs, and that KMS has its endpoint. To correct it, use update-custom-key-store",
    },
    Failure {
        code: "XKS_VPC_ENDPOINT_SERVICE_NOT_FOUND",
        means: "KMS cannot find the VPC endpoint service of the proxy.",
        advice: "Check that the VPC endpoint service exists, has the name that KMS has, and allows KMS",
    },
    Failure {
        code: "XKS_PROXY_INVALID_RESPONSE",
        means: "The external key store proxy sends responses that KMS does not understand.",
        advice: "Ask whoever runs the proxy: its responses must follow the AWS KMS External Key Store Proxy API",
    },
    Failure {
        code: "XKS_PROXY_INVALID_CONFIGURATION",
        means: "The settings of the external key store do not match its proxy.",
        advice: "Compare the proxy URI path with the one that KMS has. To correct it, use update-custom-key-store",
    },
    Failure {
        code: "XKS_VPC_ENDPOINT_SERVICE_INVALID_CONFIGURATION",
        means: "The VPC endpoint service of the proxy does not meet the requirements of KMS.",
        advice: "Check the VPC endpoint service against the KMS Developer Guide: private DNS name, Region, load balancer, allowed \
                 principals",
    },
    Failure {
        code: "XKS_PROXY_TIMED_OUT",
        means: "The external key store proxy does not respond in time.",
        advice: "Check the load of the proxy, the network, and the external key manager behind the proxy",
    },
    Failure {
        code: "XKS_PROXY_INVALID_TLS_CONFIGURATION",
        means: "KMS cannot open a TLS connection to the external key store proxy.",
        advice: "Check the proxy's certificate (not expired, right name, public certificate authority), and that it supports TLS 1.2 \
                 or 1.3",
    },
];
