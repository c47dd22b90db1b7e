#!/usr/bin/env bash
# Hands over again what KMS Watch could not handle: docs/redrive.sh STACK
#
# Needs the AWS CLI and jq. A message leaves its queue only when its event was handled; what fails again stays there.
set -euo pipefail
stack=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
handled=0 failed=0

# The event inside, to where it was going: EventBridge says so beside the event, Lambda in its record.
hand_over() {
    local target
    target=$(jq -er '.MessageAttributes.TARGET_ARN.StringValue // (.Body | fromjson | .requestContext.functionArn)' "$work/message")
    jq -j .Body "$work/message" > "$work/body"
    case $target in
    *:sns:*) aws sns publish --topic-arn "$target" --message "file://$work/body" > /dev/null ;;
    *) # Synchronously, and patiently: a function may take 30 seconds. The functions read Lambda's record as it is.
        aws lambda invoke --function-name "$target" --payload "fileb://$work/body" --cli-read-timeout 60 --output json \
            "$work/outcome" > "$work/answer" && jq -e '.FunctionError == null' "$work/answer" > /dev/null ;;
    esac
}

queues=$(aws cloudformation describe-stacks --stack-name "$stack" --output text --query \
    'Stacks[0].Outputs[?OutputKey==`UndeliveredEventsUrl` || OutputKey==`FailedInvocationsUrl`].OutputValue')
for queue in $queues; do
    # Out of sight for an hour, so that what fails again is not met again in this run.
    while aws sqs receive-message --queue-url "$queue" --message-attribute-names All --visibility-timeout 3600 \
        --wait-time-seconds 2 --output json | jq -e '.Messages[0] // empty' > "$work/message"; do
        if hand_over; then
            aws sqs delete-message --queue-url "$queue" --receipt-handle "$(jq -r .ReceiptHandle "$work/message")"
            handled=$((handled + 1))
        else
            failed=$((failed + 1))
        fi
    done
done
echo "$handled handled, $failed failed again and kept"
[ "$failed" = 0 ]
