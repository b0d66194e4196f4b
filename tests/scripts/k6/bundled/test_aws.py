"""aws: signatures by AWS's published examples, and what each client asks and makes of the answers."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from kinesis_calls import KINESIS

RunSnippet = Callable[..., Any]

AWS = "import * as aws from 'https://jslib.k6.io/aws/0.14.0/aws.js';"
# The key pairs of AWS's test suite, and of the examples in the documentation of S3.
SUITE = "{ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }"
S3_KEYS = (
    "{ accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' }"
)
CONFIG = f"const config = new aws.AWSConfig({{ region: 'eu-west-1', ...{S3_KEYS} }});"


@pytest.mark.parametrize(
    ("method", "query", "signature"),
    [
        ("GET", "undefined", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", "undefined", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        (
            "GET",
            "{ Param2: 'value2', Param1: 'value1' }",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
    ],
)
def test_signatures_of_the_test_suite(run: RunSnippet, method: str, query: str, signature: str) -> None:
    """get-vanilla, post-vanilla and get-vanilla-query-order-key-case of AWS's suite."""
    body = f"""
        const options = {{ service: 'service', region: 'us-east-1', credentials: {SUITE}, applyChecksum: false }};
        const signer = new aws.SignatureV4(options);
        const endpoint = new aws.Endpoint('https://example.amazonaws.com');
        return signer.sign(
            {{ method: '{method}', endpoint, path: '/', query: {query}, headers: {{}} }},
            {{ signingDate: new Date('2015-08-30T12:36:00Z') }},
        );
    """
    made = run(AWS, body)
    assert made["headers"]["authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request,"
        f" SignedHeaders=host;x-amz-date, Signature={signature}"
    )
    asked = "" if query == "undefined" else "?Param1=value1&Param2=value2"
    assert made["url"] == f"https://example.amazonaws.com/{asked}"


def test_signatures_of_s3(run: RunSnippet) -> None:
    """The documentation's examples: an object's range, and a URL that is good for a day."""
    body = f"""
        const options = {{ service: 's3', region: 'us-east-1', credentials: {S3_KEYS}, uriEscapePath: false }};
        const signer = new aws.SignatureV4(options);
        const endpoint = new aws.Endpoint('https://examplebucket.s3.amazonaws.com');
        const request = {{ method: 'GET', endpoint, path: '/test.txt' }};
        const signingDate = Date.UTC(2013, 4, 24);
        const headers = {{ Range: 'bytes=0-9' }};
        return [
            signer.sign({{ ...request, headers }}, {{ signingDate }}).headers.authorization.split('Signature=')[1],
            signer.presign({{ ...request, headers: {{}} }}, {{ signingDate, expiresIn: 86400 }}).url,
        ];
    """
    signature, url = run(AWS, body)
    assert signature == "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    assert url == (
        "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
        "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
        "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400"
        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
        "&X-Amz-SignedHeaders=host"
    )


def test_header_kept_out_of_the_url(run: RunSnippet) -> None:
    """A header that is not to be hoisted stays one, gives the body's hash, and is signed only if it may be."""
    body = f"""
        {CONFIG}
        const signer = new aws.SignatureV4({{ service: 's3', region: 'us-east-1', credentials: config }});
        const endpoint = new aws.Endpoint('https://examplebucket.s3.amazonaws.com');
        const request = {{ method: 'GET', endpoint, path: '/test.txt' }};
        const signingDate = new Date(Date.UTC(2013, 4, 24)), kept = new Set([aws.AMZ_CONTENT_SHA256_HEADER]);
        const options = {{ signingDate, expiresIn: 86400, unhoistableHeaders: kept }};
        const headers = {{ [aws.AMZ_CONTENT_SHA256_HEADER]: aws.UNSIGNED_PAYLOAD }};
        const unsigned = signer.presign({{ ...request, headers }}, {{ ...options, unsignableHeaders: kept }});
        const signed = signer.presign({{ ...request, headers }}, options);
        return [unsigned.headers, unsigned.url.split('&').slice(-2), signed.url.split('=').pop()];
    """
    assert run(AWS, body) == [
        {"x-amz-content-sha256": "UNSIGNED-PAYLOAD", "host": "examplebucket.s3.amazonaws.com"},
        [
            "X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
            "X-Amz-SignedHeaders=host",
        ],
        "host%3Bx-amz-content-sha256",
    ]


def test_request_in_parts(run: RunSnippet) -> None:
    """Without an endpoint, protocol and hostname name it; what is signed has what the request had."""
    body = f"""
        {CONFIG}
        const signer = new aws.SignatureV4({{ service: 's3', region: 'r', credentials: config }});
        const request = {{ method: 'GET', protocol: 'http', hostname: 'a.test', path: '/b', headers: {{}} }};
        const {{ url, method, headers }} = signer.sign(request);
        return [url, method, headers.host];
    """
    assert run(AWS, body) == ["http://a.test/b", "GET", "a.test"]


def test_faults(run: RunSnippet) -> None:
    """Missing credentials, endpoints that are none, and URLs that are to live too long."""
    body = f"""
        {CONFIG}
        const signer = new aws.SignatureV4({{ service: 's3', region: 'r', credentials: config }});
        const request = {{ method: 'GET', endpoint: new aws.Endpoint('http://a:1'), path: '/', headers: {{}} }};
        const told = [];
        for (const ask of [
            () => new aws.AWSConfig({{ region: 'r', accessKeyId: 'a' }}),
            () => new aws.SignatureV4({{ service: 's', region: 'r', credentials: {{}} }}),
            () => new aws.Endpoint('host'),
            () => signer.presign(request, {{ expiresIn: 604801 }}),
        ]) try {{ ask(); }} catch (e) {{ told.push([e.name, e instanceof aws.AWSError, e.message]); }}
        return told;
    """
    assert run(AWS, body) == [
        ["InvalidArgumentException", True, "AWSConfig: secretAccessKey is missing"],
        ["InvalidSignatureError", True, "SignatureV4: accessKeyId or secretAccessKey is missing"],
        ["InvalidArgumentException", True, '"host" is no endpoint like https://host:port'],
        ["InvalidSignatureError", True, "SignatureV4: a signature is good for a week at most"],
    ]


def test_each_file_has_everything(run: RunSnippet) -> None:
    """Scripts import the file of one service or aws.js."""
    imports = """
        import { AWSConfig, SignatureV4, Endpoint } from 'https://jslib.k6.io/aws/0.11.0/signature.js';
        import { SecretsManagerClient } from 'https://jslib.k6.io/aws/0.7.1/secrets-manager.js';
        import { SQSClient } from 'https://jslib.k6.io/aws/0.12.3/sqs.js';
    """
    names = "[AWSConfig, SignatureV4, Endpoint, SecretsManagerClient, SQSClient]"
    assert run(imports, f"return {names}.map((one) => typeof one)") == ["function"] * 5


def ask(run: RunSnippet, call: str, answer: dict[str, Any]) -> tuple[Any, list[Any]]:
    """What ``call`` on a client gives where the service answers ``answer``; and its requests, unsigned."""
    told = {"status": 200, "error_code": 0, "error": "", "headers": {}, "body": "", **answer}
    body = f"""
        {CONFIG}
        globalThis.respond = () => ({{ ...{json.dumps(told)}, json() {{ return JSON.parse(this.body); }} }});
        const given = await ({call}).catch((e) => [e.name, e.code ?? null, e.operation ?? null, e.message]);
        const asked = globalThis.calls.map(([, method, url, body, {{ headers, responseType }}]) => {{
            const kept = Object.entries(headers).filter(([name]) =>
                !['host', 'x-amz-date', 'authorization', 'x-amz-content-sha256'].includes(name));
            return [method, url, body, Object.fromEntries(kept), responseType ?? null];
        }});
        return [given ?? null, asked];
    """
    given, asked = run(AWS, body)
    return given, asked


S3 = "new aws.S3Client(config)"
S3_URL = "https://s3.eu-west-1.amazonaws.com"


@pytest.mark.parametrize(
    ("call", "answer", "given", "asked"),
    [
        (
            "listBuckets()",
            {
                "body": "<R><Bucket><Name>a</Name><CreationDate>1970-01-01T00:00:01.000Z</CreationDate></Bucket></R>"
            },
            [{"name": "a", "creationDate": 1000}],
            ["GET", f"{S3_URL}/", None, {}, None],
        ),
        (
            "listObjects('b', 'p/')",
            {
                "body": "<R><Contents><Key>p/a&amp;&#98;</Key><LastModified>1970-01-01T00:00:02Z</LastModified>"
                '<ETag>"e"</ETag><Size>5</Size><StorageClass>STANDARD</StorageClass></Contents></R>'
            },
            [{"key": "p/a&b", "lastModified": 2000, "etag": '"e"', "size": 5, "storageClass": "STANDARD"}],
            ["GET", f"{S3_URL}/b?list-type=2&prefix=p%2F", None, {}, None],
        ),
        (
            "getObject('b', 'a b/ü.txt')",
            {"body": "text", "headers": {"Etag": '"e"', "Content-Length": "4"}},
            {
                "key": "a b/ü.txt",
                "lastModified": None,
                "etag": '"e"',
                "size": 4,
                "storageClass": "STANDARD",
                "data": "text",
            },
            ["GET", f"{S3_URL}/b/a%20b/%C3%BC.txt", None, {}, "text"],
        ),
        (
            "putObject('b', 'k', 'data', { contentType: 'text/plain', contentLength: 4 })",
            {"headers": {"Etag": '"e"', "X-Amz-Checksum-Sha256": "c"}},
            {"eTag": '"e"', "sha256": "c"},
            ["PUT", f"{S3_URL}/b/k", "data", {"Content-Type": "text/plain"}, None],
        ),
        ("deleteObject('b', 'k')", {"status": 204}, None, ["DELETE", f"{S3_URL}/b/k", None, {}, None]),
        (
            "copyObject('b', 'k 1', 'c', 'l')",
            {},
            None,
            ["PUT", f"{S3_URL}/c/l", None, {"x-amz-copy-source": "b/k%201"}, None],
        ),
        (
            "createMultipartUpload('b', 'k')",
            {"body": "<R><UploadId>u</UploadId></R>"},
            {"key": "k", "uploadId": "u"},
            ["POST", f"{S3_URL}/b/k?uploads=", None, {}, None],
        ),
        (
            "uploadPart('b', 'k', 'u', 2, 'x')",
            {"headers": {"Etag": "e2"}},
            {"partNumber": 2, "eTag": "e2"},
            ["PUT", f"{S3_URL}/b/k?partNumber=2&uploadId=u", "x", {}, None],
        ),
        (
            "completeMultipartUpload('b', 'k', 'u', [{ partNumber: 1, eTag: 'e1' }])",
            {"body": "<R><ETag>all</ETag></R>"},
            {"eTag": "all"},
            [
                "POST",
                f"{S3_URL}/b/k?uploadId=u",
                (
                    "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>e1</ETag></Part>"
                    "</CompleteMultipartUpload>"
                ),
                {},
                None,
            ],
        ),
        (
            "completeMultipartUpload('b', 'k', 'u', [])",
            {"body": "<Error><Code>InternalError</Code><Message>m</Message></Error>"},
            ["S3ServiceError", "InternalError", "CompleteMultipartUpload", "m"],
            [
                "POST",
                f"{S3_URL}/b/k?uploadId=u",
                "<CompleteMultipartUpload></CompleteMultipartUpload>",
                {},
                None,
            ],
        ),
        (
            "abortMultipartUpload('b', 'k', 'u')",
            {"status": 204},
            None,
            ["DELETE", f"{S3_URL}/b/k?uploadId=u", None, {}, None],
        ),
        (
            "getObject('b', 'k', { Accept: 'application/octet-stream' })",
            {
                "status": 404,
                "error_code": 1404,
                "body": "<Error><Code>NoSuchKey</Code><Message>no &lt;k&gt;</Message></Error>",
            },
            ["S3ServiceError", "NoSuchKey", "GetObject", "no <k>"],
            ["GET", f"{S3_URL}/b/k", None, {"Accept": "application/octet-stream"}, "binary"],
        ),
        (
            "listBuckets()",
            {"status": 403, "error_code": 1403, "body": "<Error><Code>SignatureDoesNotMatch</Code></Error>"},
            [
                "InvalidSignatureError",
                "SignatureDoesNotMatch",
                None,
                "ListBuckets was answered with status 403",
            ],
            ["GET", f"{S3_URL}/", None, {}, None],
        ),
        (
            "listBuckets()",
            {"status": 0, "error_code": 1212, "error": "dial: connection refused", "body": None},
            ["AWSError", "1212", None, "dial: connection refused"],
            ["GET", f"{S3_URL}/", None, {}, None],
        ),
    ],
)
def test_s3(run: RunSnippet, call: str, answer: dict[str, Any], given: Any, asked: list[Any]) -> None:
    """Each operation's request, and its answer as the library tells it."""
    assert ask(run, f"{S3}.{call}", answer) == (given, [asked])


@pytest.mark.parametrize(
    ("call", "target", "asked", "answer", "given"),
    [
        (
            "SecretsManagerClient(config).getSecret('s')",
            "secretsmanager.GetSecretValue",
            {"SecretId": "s"},
            {"Name": "s", "ARN": "arn", "SecretString": "v", "CreatedDate": 5},
            {"name": "s", "arn": "arn", "createdAt": 5, "secret": "v"},
        ),
        (
            "SecretsManagerClient(config).createSecret('s', 'v', 'd', 'id', [{ key: 'a', value: 'b' }])",
            "secretsmanager.CreateSecret",
            {
                "Name": "s",
                "SecretString": "v",
                "Description": "d",
                "ClientRequestToken": "id",
                "Tags": [{"key": "a", "value": "b"}],
            },
            {"Name": "s", "ARN": "arn"},
            {"name": "s", "arn": "arn"},
        ),
        (
            "SecretsManagerClient(config).putSecretValue('s', 'w', 'id')",
            "secretsmanager.PutSecretValue",
            {"SecretId": "s", "SecretString": "w", "ClientRequestToken": "id"},
            {"Name": "s"},
            {"name": "s"},
        ),
        (
            "SecretsManagerClient(config).deleteSecret('s', { noRecovery: true })",
            "secretsmanager.DeleteSecret",
            {"SecretId": "s", "ForceDeleteWithoutRecovery": True},
            {},
            None,
        ),
        (
            "SecretsManagerClient(config).listSecrets()",
            "secretsmanager.ListSecrets",
            {},
            {"SecretList": [{"Name": "s", "Tags": []}]},
            [{"name": "s", "tags": []}],
        ),
        (
            "SystemsManagerClient(config).getParameter('p', true)",
            "AmazonSSM.GetParameter",
            {"Name": "p", "WithDecryption": True},
            {"Parameter": {"Name": "p", "Value": "v", "Version": 2, "Type": "String"}},
            {"name": "p", "value": "v", "version": 2, "type": "String"},
        ),
        (
            "KMSClient(config).listKeys()",
            "TrentService.ListKeys",
            {},
            {"Keys": [{"KeyId": "i", "KeyArn": "a"}]},
            [{"keyId": "i", "keyArn": "a"}],
        ),
        (
            "KMSClient(config).generateDataKey('i', 64)",
            "TrentService.GenerateDataKey",
            {"KeyId": "i", "NumberOfBytes": 64},
            {"KeyId": "i", "CiphertextBlob": "c", "Plaintext": "p"},
            {"id": "i", "ciphertextBlob": "c", "plaintext": "p"},
        ),
        (
            "SQSClient(config).sendMessage('q', 'm', { delaySeconds: 3, messageAttributes: { a: { type: 'String', value: 'v' } } })",
            "AmazonSQS.SendMessage",
            {
                "QueueUrl": "q",
                "MessageBody": "m",
                "DelaySeconds": 3,
                "MessageAttributes": {"a": {"DataType": "String", "StringValue": "v"}},
            },
            {"MessageId": "1", "MD5OfMessageBody": "d"},
            {"id": "1", "bodyMD5": "d"},
        ),
        (
            "SQSClient(config).sendMessageBatch('q', [{ messageId: '0', messageBody: 'm', messageOptions: { messageGroupId: 'g' } }])",
            "AmazonSQS.SendMessageBatch",
            {"QueueUrl": "q", "Entries": [{"Id": "0", "MessageBody": "m", "MessageGroupId": "g"}]},
            {"Successful": [{"MessageId": "1", "MD5OfMessageBody": "d"}]},
            {"successful": [{"id": "1", "bodyMD5": "d"}], "failed": []},
        ),
        (
            "SQSClient(config).receiveMessages('q', { maxNumberOfMessages: 2, waitTimeSeconds: 1 })",
            "AmazonSQS.ReceiveMessage",
            {"QueueUrl": "q", "MaxNumberOfMessages": 2, "WaitTimeSeconds": 1},
            {"Messages": [{"MessageId": "1", "Body": "b", "ReceiptHandle": "r", "MD5OfBody": "d"}]},
            [{"messageId": "1", "body": "b", "receiptHandle": "r", "md5OfBody": "d"}],
        ),
        (
            "SQSClient(config).deleteMessage('q', 'r')",
            "AmazonSQS.DeleteMessage",
            {"QueueUrl": "q", "ReceiptHandle": "r"},
            {},
            None,
        ),
        (
            "SQSClient(config).listQueues({ queueNamePrefix: 'p' })",
            "AmazonSQS.ListQueues",
            {"QueueNamePrefix": "p"},
            {"QueueUrls": ["u"]},
            {"urls": ["u"]},
        ),
        (
            "EventBridgeClient(config).putEvents({ Entries: [{ Source: 's', Detail: { a: 1 } }] })",
            "AWSEvents.PutEvents",
            {"Entries": [{"Source": "s", "Detail": '{"a":1}'}]},
            {},
            None,
        ),
        *KINESIS,
    ],
)
def test_services_that_take_json(
    run: RunSnippet, call: str, target: str, asked: dict[str, Any], answer: dict[str, Any], given: Any
) -> None:
    """Each operation's request, and its answer as the library tells it."""
    found, [request] = ask(run, f"new aws.{call}", {"body": json.dumps(answer)})
    assert found == given
    method, url, body, headers, _ = request
    assert (method, json.loads(body), headers["X-Amz-Target"]) == ("POST", asked, target)
    assert url.endswith(".eu-west-1.amazonaws.com/")


def test_errors_of_services_that_take_json(run: RunSnippet) -> None:
    """The code without its namespace, with the service's own error."""
    answer = {
        "status": 400,
        "error_code": 1400,
        "body": json.dumps(
            {"__type": "com.amazonaws#ResourceNotFoundException", "message": "no such secret"}
        ),
    }
    found, _ = ask(run, "new aws.SecretsManagerClient(config).getSecret('s')", answer)
    assert found == [
        "SecretsManagerServiceError",
        "ResourceNotFoundException",
        "GetSecretValue",
        "no such secret",
    ]


def test_functions(run: RunSnippet) -> None:
    """A function is invoked by name; what it throws is an error with the answer."""
    answer = {"body": '{"x":3}', "headers": {"X-Amz-Executed-Version": "$LATEST"}}
    found, [request] = ask(
        run, "new aws.LambdaClient(config).invoke('add', '{}', { qualifier: 'v1' })", answer
    )
    assert found == {"statusCode": 200, "executedVersion": "$LATEST", "payload": '{"x":3}'}
    assert request[1] == (
        "https://lambda.eu-west-1.amazonaws.com/2015-03-31/functions/add/invocations?Qualifier=v1"
    )
    answer["headers"] = {"X-Amz-Function-Error": "Unhandled"}
    found, _ = ask(run, "new aws.LambdaClient(config).invoke('add', '{}')", answer)
    assert found == ["LambdaInvocationError", "FunctionError", "Invoke", 'Unhandled: {"x":3}']


def test_an_endpoint_of_ones_own(run: RunSnippet) -> None:
    """For stand-ins of AWS: all clients go there, and the signature is for its host."""
    body = f"""
        globalThis.respond = () => ({{ status: 200, error_code: 0, headers: {{}}, body: '' }});
        const config = new aws.AWSConfig({{ region: 'r', ...{SUITE}, sessionToken: 't', endpoint: 'http://localhost:4566' }});
        await new aws.S3Client(config).deleteObject('b', 'k');
        const [[, method, url, , {{ headers }}]] = globalThis.calls;
        return [method, url, headers.host, headers['x-amz-security-token'], headers.authorization.includes('x-amz-security-token')];
    """
    assert run(AWS, body) == ["DELETE", "http://localhost:4566/b/k", "localhost:4566", "t", True]
