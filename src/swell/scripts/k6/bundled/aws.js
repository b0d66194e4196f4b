// Signed requests to AWS and clients of its services: the API of jslib's aws, whichever of its files is imported.

import crypto from 'k6/crypto';
import http from 'k6/http';

// Errors

export class AWSError extends Error {
  constructor(message, code) {
    super(message);
    this.name = this.constructor.name;
    this.code = code;
  }
}

export class InvalidArgumentException extends AWSError {}
export class InvalidSignatureError extends AWSError {}
export class MethodNotAllowedError extends AWSError {}

/** What a service answers in place of a result; `operation` is what it was asked. */
class ServiceError extends AWSError {
  constructor(message, code, operation) {
    super(message, code);
    this.operation = operation;
  }
}

export class S3ServiceError extends ServiceError {}
export class SecretsManagerServiceError extends ServiceError {}
export class SystemsManagerServiceError extends ServiceError {}
export class KMSServiceError extends ServiceError {}
export class SQSServiceError extends ServiceError {}
export class KinesisServiceError extends ServiceError {}
export class EventBridgeServiceError extends ServiceError {}
export class LambdaInvocationError extends ServiceError {
  constructor(message, response) {
    super(message, 'FunctionError', 'Invoke');
    this.response = response;
  }
}
class LambdaServiceError extends ServiceError {}

const SIGNATURE_CODES = new Set([
  'InvalidSignature', 'InvalidSignatureException', 'SignatureDoesNotMatch', 'InvalidAccessKeyId',
  'UnrecognizedClientException', 'AuthorizationHeaderMalformed', 'IncompleteSignatureException',
]);

// Configuration

export class Endpoint {
  /** `{scheme}://{hostname}[:{port}][/path]`. */
  constructor(address) {
    const parts = /^(https?):\/\/([^/:?#]+|\[[^\]]*\])(?::(\d+))?(\/[^?#]*)?$/i.exec(String(address));
    if (parts === null) throw new InvalidArgumentException(`${JSON.stringify(address)} is no endpoint like https://host:port`);
    this.protocol = parts[1].toLowerCase();
    this.hostname = parts[2];
    this.port = parts[3] === undefined ? undefined : Number(parts[3]);
    this.path = (parts[4] ?? '').replace(/\/$/, '');
  }

  get host() {
    const usual = this.protocol === 'https' ? 443 : 80;
    return this.port === undefined || this.port === usual ? this.hostname : `${this.hostname}:${this.port}`;
  }

  get href() {
    return `${this.protocol}://${this.host}${this.path}`;
  }

  copy() {
    return new Endpoint(this.href);
  }

  toString() {
    return this.href;
  }
}

export class AWSConfig {
  constructor({ region, accessKeyId, secretAccessKey, sessionToken, endpoint } = {}) {
    for (const [name, value] of Object.entries({ region, accessKeyId, secretAccessKey })) {
      if (typeof value !== 'string' || value === '') throw new InvalidArgumentException(`AWSConfig: ${name} is missing`);
    }
    this.region = region;
    this.accessKeyId = accessKeyId;
    this.secretAccessKey = secretAccessKey;
    this.sessionToken = sessionToken;
    this.endpoint = typeof endpoint === 'string' ? new Endpoint(endpoint) : endpoint;
  }

  /** From AWS_REGION and the like; `options` may name an endpoint. */
  static fromEnvironment(options = {}) {
    return new AWSConfig({
      region: __ENV.AWS_REGION,
      accessKeyId: __ENV.AWS_ACCESS_KEY_ID,
      secretAccessKey: __ENV.AWS_SECRET_ACCESS_KEY,
      sessionToken: __ENV.AWS_SESSION_TOKEN,
      ...options,
    });
  }
}

// Signatures (AWS Signature Version 4)

const ALGORITHM = 'AWS4-HMAC-SHA256';
// What requests are signed with, under the names that scripts import.
export const SIGNING_ALGORITHM_IDENTIFIER = ALGORITHM;
export const UNSIGNED_PAYLOAD = 'UNSIGNED-PAYLOAD';
export const AUTHORIZATION_HEADER = 'authorization';
export const HOST_HEADER = 'host';
export const AMZ_CONTENT_SHA256_HEADER = 'x-amz-content-sha256';
export const AMZ_DATE_HEADER = 'x-amz-date';
export const AMZ_ALGORITHM_QUERY_PARAM = 'X-Amz-Algorithm';
export const AMZ_CREDENTIAL_QUERY_PARAM = 'X-Amz-Credential';
export const AMZ_DATE_QUERY_PARAM = 'X-Amz-Date';
export const AMZ_EXPIRES_QUERY_PARAM = 'X-Amz-Expires';
export const AMZ_SIGNATURE_QUERY_PARAM = 'X-Amz-Signature';
export const AMZ_SIGNED_HEADERS_QUERY_PARAM = 'X-Amz-SignedHeaders';
export const AMZ_TOKEN_QUERY_PARAM = 'X-Amz-Security-Token';
const LONGEST_PRESIGNED_S = 60 * 60 * 24 * 7;
// What proxies and clients change on the way.
const UNSIGNABLE = new Set([
  'authorization', 'cache-control', 'connection', 'expect', 'from', 'keep-alive', 'max-forwards', 'pragma', 'referer',
  'te', 'trailer', 'transfer-encoding', 'upgrade', 'user-agent', 'x-amzn-trace-id',
]);

const hexOf = (data) => crypto.sha256(data, 'hex');
const keyed = (key, text) => crypto.hmac('sha256', key, text, 'binary');

/** Escaped as RFC 3986 wants it. */
function escaped(text) {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

const escapedPath = (path) => path.split('/').map(escaped).join('/');

function queryText(query) {
  const pairs = [];
  for (const [name, value] of Object.entries(query ?? {})) {
    for (const one of Array.isArray(value) ? value : [value]) pairs.push([escaped(name), escaped(String(one ?? ''))]);
  }
  const before = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  return pairs.sort((a, b) => before(a[0], b[0]) || before(a[1], b[1])).map((pair) => pair.join('=')).join('&');
}

/** 20150830T123600Z. */
const stampOf = (date) => new Date(date).toISOString().replace(/[-:]|\.\d{3}/g, '');

/** The hash of the body that a request comes with. */
const givenHash = ({ headers = {} }) => Object.entries(headers).find(([name]) => name.toLowerCase() === AMZ_CONTENT_SHA256_HEADER)?.[1];

export class SignatureV4 {
  constructor({ service, region, credentials, uriEscapePath = true, applyChecksum = true }) {
    if (!credentials?.accessKeyId || !credentials.secretAccessKey) {
      throw new InvalidSignatureError('SignatureV4: accessKeyId or secretAccessKey is missing', 'InvalidSignature');
    }
    Object.assign(this, { service, region, credentials, uriEscapePath, applyChecksum });
  }

  /** The request with its signature in `headers`, and its `url`. */
  sign(request, options = {}) {
    const { endpoint, scope, stamp } = this.#prepare(request, options);
    const headers = { ...request.headers };
    for (const name of Object.keys(headers)) {
      if (['host', 'authorization', 'x-amz-date'].includes(name.toLowerCase())) delete headers[name];
    }
    headers.host = endpoint.host;
    headers['x-amz-date'] = stamp;
    if (this.credentials.sessionToken) headers['x-amz-security-token'] = this.credentials.sessionToken;
    const given = givenHash(request);
    const hash = given ?? hexOf(request.body ?? '');
    if (this.applyChecksum && given === undefined) headers[AMZ_CONTENT_SHA256_HEADER] = hash;
    const { names, signature } = this.#signature(request, headers, request.query, hash, scope, stamp, options);
    const credential = `${this.credentials.accessKeyId}/${scope}`;
    headers.authorization = `${ALGORITHM} Credential=${credential}, SignedHeaders=${names}, Signature=${signature}`;
    return { ...request, headers, url: this.#url(request, endpoint, request.query) };
  }

  /** The request with its signature in its `url`, for `expiresIn` seconds. */
  presign(request, options = {}) {
    const { endpoint, scope, stamp, service } = this.#prepare(request, options);
    const { expiresIn = 3600, unhoistableHeaders } = options;
    if (expiresIn > LONGEST_PRESIGNED_S) {
      throw new InvalidSignatureError('SignatureV4: a signature is good for a week at most', 'InvalidSignature');
    }
    const headers = { ...request.headers, host: endpoint.host };
    const query = { ...request.query };
    // Headers of AWS move to the URL.
    for (const name of Object.keys(headers)) {
      if (name.toLowerCase().startsWith('x-amz-') && !unhoistableHeaders?.has(name.toLowerCase())) {
        query[name] = headers[name];
        delete headers[name];
      }
    }
    if (this.credentials.sessionToken) query['X-Amz-Security-Token'] = this.credentials.sessionToken;
    Object.assign(query, {
      'X-Amz-Algorithm': ALGORITHM,
      'X-Amz-Credential': `${this.credentials.accessKeyId}/${scope}`,
      'X-Amz-Date': stamp,
      'X-Amz-Expires': String(expiresIn),
    });
    const signed = this.#signedHeaders(headers, options);
    query['X-Amz-SignedHeaders'] = signed.map(([name]) => name).join(';');
    const hash = givenHash(request) ?? (service === 's3' ? UNSIGNED_PAYLOAD : hexOf(request.body ?? ''));
    const { signature } = this.#signature(request, headers, query, hash, scope, stamp, options);
    query['X-Amz-Signature'] = signature;
    return { ...request, headers, query, url: this.#url(request, endpoint, query) };
  }

  #prepare(request, { signingDate = new Date(), signingService = this.service, signingRegion = this.region }) {
    const { endpoint: given, protocol = 'https', hostname } = request;
    // The library's first versions took the endpoint in two parts.
    const endpoint = given instanceof Endpoint ? given : new Endpoint(given ?? `${protocol}://${hostname}`);
    const stamp = stampOf(signingDate);
    return { endpoint, stamp, service: signingService, scope: `${stamp.slice(0, 8)}/${signingRegion}/${signingService}/aws4_request` };
  }

  #url({ path = '/' }, endpoint, query) {
    const text = queryText(query);
    return `${endpoint.href}${path}${text && `?${text}`}`;
  }

  #signedHeaders(headers, { unsignableHeaders, signableHeaders }) {
    const made = [];
    for (const [given, value] of Object.entries(headers)) {
      const name = given.toLowerCase();
      const is_left_out = UNSIGNABLE.has(name) || /^(proxy|sec)-/.test(name) || unsignableHeaders?.has(name);
      if (value === undefined || (is_left_out && !signableHeaders?.has(name))) continue;
      made.push([name, String(value).trim().replace(/\s+/g, ' ')]);
    }
    return made.sort(([a], [b]) => (a < b ? -1 : 1));
  }

  #signature(request, headers, query, hash, scope, stamp, options) {
    const { path = '/', method } = request;
    const signed = this.#signedHeaders(headers, options);
    const names = signed.map(([name]) => name).join(';');
    const canonical = [
      method.toUpperCase(), this.uriEscapePath ? escapedPath(path) : path, queryText(query),
      ...signed.map((pair) => pair.join(':')), '', names, hash,
    ].join('\n');
    const text = [ALGORITHM, stamp, scope, hexOf(canonical)].join('\n');
    const key = scope.split('/').reduce((made, part) => keyed(made, part), `AWS4${this.credentials.secretAccessKey}`);
    return { names, signature: crypto.hmac('sha256', key, text, 'hex') };
  }
}

// Clients

const XML_ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function plainText(xml) {
  return xml.replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, (all, decimal, hex, name) => {
    if (name) return XML_ENTITIES[name] ?? all;
    return String.fromCodePoint(decimal ? Number(decimal) : Number.parseInt(hex, 16));
  });
}

/** The contents of all elements of a name, which AWS never nests in themselves. */
const elements = (xml, name) => [...xml.matchAll(new RegExp(`<${name}(?:\\s[^>]*)?>([\\s\\S]*?)</${name}>`, 'g'))].map((found) => found[1]);
const element = (xml, name) => {
  const [found] = elements(xml, name);
  return found === undefined ? undefined : plainText(found);
};

/** An answer's text, also of one that came as bytes. */
function textOf(response) {
  const { body } = response;
  if (body === null || typeof body === 'string') return body ?? '';
  return Array.from(new Uint8Array(body), (byte) => String.fromCharCode(byte)).join('');
}

class AWSClient {
  constructor(config, service, failure, { uriEscapePath = true, applyChecksum = false } = {}) {
    this.awsConfig = config;
    this.serviceName = service;
    this.failure = failure;
    const { region, accessKeyId, secretAccessKey, sessionToken } = config;
    const credentials = { accessKeyId, secretAccessKey, sessionToken };
    this.signature = new SignatureV4({ service, region, credentials, uriEscapePath, applyChecksum });
    this.endpoint = config.endpoint ?? new Endpoint(`https://${service}.${region}.amazonaws.com`);
  }

  /** Send a signed request; a promise of its response, rejected where the service refuses it. */
  async send(operation, method, { path = '/', query, headers = {}, body, responseType, endpoint = this.endpoint } = {}) {
    const signed = this.signature.sign({ method, endpoint, path, query, headers, body });
    const params = { headers: signed.headers, ...(responseType && { responseType }) };
    const response = await http.asyncRequest(method, signed.url, body ?? null, params);
    if (response.error_code !== 0 || response.status >= 300) this.refuse(operation, response);
    return response;
  }

  refuse(operation, response) {
    if (response.status === 0) throw new AWSError(response.error, String(response.error_code));
    const text = textOf(response);
    let code = element(text, 'Code');
    let message = element(text, 'Message');
    if (code === undefined) {
      let told = {};
      try {
        told = JSON.parse(text) ?? {};
      } catch {
        told = { message: text };
      }
      code = String(told.__type ?? response.headers['X-Amzn-Errortype'] ?? response.status).split('#').pop().split(':')[0];
      message = told.message ?? told.Message;
    }
    message = message || `${operation} was answered with status ${response.status}`;
    if (SIGNATURE_CODES.has(code)) throw new InvalidSignatureError(message, code);
    throw new this.failure(message, code, operation);
  }
}

/** A service that takes JSON and the operation in a header. */
class JSONClient extends AWSClient {
  constructor(config, service, failure, target, version = '1.1') {
    super(config, service, failure);
    this.target = target;
    this.contentType = `application/x-amz-json-${version}`;
  }

  async ask(operation, input = {}) {
    const headers = { 'Content-Type': this.contentType, 'X-Amz-Target': `${this.target}.${operation}` };
    const response = await this.send(operation, 'POST', { headers, body: JSON.stringify(input) });
    return response.body ? response.json() : {};
  }
}

const uuid = () => 'xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx'.replace(/[xy]/g, (char) => {
  const digit = Math.floor(Math.random() * 16);
  return (char === 'x' ? digit : (digit & 3) | 8).toString(16);
});

// S3

const S3_CHECKSUMS = {
  crc32: 'Crc32', crc32c: 'Crc32c', crc64nvme: 'Crc64nvme', sha1: 'Sha1', sha256: 'Sha256', checksumType: 'Type',
};

const s3Object = (key, xml) => ({
  key,
  lastModified: Date.parse(element(xml, 'LastModified')),
  etag: element(xml, 'ETag'),
  size: Number(element(xml, 'Size')),
  storageClass: element(xml, 'StorageClass'),
  data: undefined,
});

export class S3Client extends AWSClient {
  constructor(config) {
    super(config, 's3', S3ServiceError, { uriEscapePath: false, applyChecksum: true });
  }

  /** In the service's path style, which works with every bucket's name and with stand-ins. */
  #call(operation, method, bucket, key, options = {}) {
    const path = [bucket, ...(key === undefined ? [] : [key])].map((part) => `/${escapedPath(part)}`).join('');
    return this.send(operation, method, { ...options, path: path || '/' });
  }

  async listBuckets() {
    const { body } = await this.#call('ListBuckets', 'GET', '');
    return elements(body, 'Bucket').map((xml) => ({ name: element(xml, 'Name'), creationDate: Date.parse(element(xml, 'CreationDate')) }));
  }

  async listObjects(bucket, prefix) {
    const objects = [];
    const query = { 'list-type': '2', prefix: prefix ?? '' };
    do {
      const { body } = await this.#call('ListObjectsV2', 'GET', bucket, undefined, { query });
      for (const xml of elements(body, 'Contents')) objects.push(s3Object(element(xml, 'Key'), xml));
      query['continuation-token'] = element(body, 'NextContinuationToken');
    } while (query['continuation-token']);
    return objects;
  }

  async getObject(bucket, key, headers = {}) {
    const accept = Object.entries(headers).find(([name]) => name.toLowerCase() === 'accept')?.[1];
    const responseType = accept === 'application/octet-stream' ? 'binary' : 'text';
    const response = await this.#call('GetObject', 'GET', bucket, key, { headers, responseType });
    const told = response.headers;
    return {
      key,
      lastModified: Date.parse(told['Last-Modified']),
      etag: told.Etag,
      size: Number(told['Content-Length']),
      storageClass: told['X-Amz-Storage-Class'] ?? 'STANDARD',
      data: response.body,
    };
  }

  async putObject(bucket, key, data, params = {}) {
    const headers = {};
    const names = {
      contentDisposition: 'Content-Disposition', contentEncoding: 'Content-Encoding', contentMD5: 'Content-MD5', contentType: 'Content-Type',
    };
    for (const [option, name] of Object.entries(names)) if (params[option] !== undefined) headers[name] = params[option];
    return this.#uploaded(await this.#call('PutObject', 'PUT', bucket, key, { headers, body: data }));
  }

  async deleteObject(bucket, key) {
    await this.#call('DeleteObject', 'DELETE', bucket, key);
  }

  async copyObject(sourceBucket, sourceKey, bucket, key) {
    const headers = { 'x-amz-copy-source': `${sourceBucket}/${escapedPath(sourceKey)}` };
    await this.#call('CopyObject', 'PUT', bucket, key, { headers });
  }

  async createMultipartUpload(bucket, key) {
    const { body } = await this.#call('CreateMultipartUpload', 'POST', bucket, key, { query: { uploads: '' } });
    return { key, uploadId: element(body, 'UploadId') };
  }

  async uploadPart(bucket, key, uploadId, partNumber, data) {
    const query = { partNumber: String(partNumber), uploadId };
    const response = await this.#call('UploadPart', 'PUT', bucket, key, { query, body: data });
    return { partNumber, eTag: response.headers.Etag };
  }

  async completeMultipartUpload(bucket, key, uploadId, parts) {
    const listed = parts.map(({ partNumber, eTag }) => `<Part><PartNumber>${partNumber}</PartNumber><ETag>${eTag}</ETag></Part>`);
    const body = `<CompleteMultipartUpload>${listed.join('')}</CompleteMultipartUpload>`;
    const response = await this.#call('CompleteMultipartUpload', 'POST', bucket, key, { query: { uploadId }, body });
    // It begins with 200 before it knows whether it will succeed.
    if (element(response.body ?? '', 'Code') !== undefined) this.refuse('CompleteMultipartUpload', response);
    return this.#uploaded(response);
  }

  async abortMultipartUpload(bucket, key, uploadId) {
    await this.#call('AbortMultipartUpload', 'DELETE', bucket, key, { query: { uploadId } });
  }

  #uploaded({ headers, body }) {
    const made = { eTag: headers.Etag ?? element(body ?? '', 'ETag') };
    for (const [name, header] of Object.entries(S3_CHECKSUMS)) {
      const value = headers[`X-Amz-Checksum-${header}`];
      if (value !== undefined) made[name] = value;
    }
    if (headers['X-Amz-Object-Size'] !== undefined) made.size = Number(headers['X-Amz-Object-Size']);
    return made;
  }
}

// Secrets Manager, Systems Manager, KMS

const secretOf = (told) => ({
  name: told.Name,
  arn: told.ARN,
  createdAt: told.CreatedDate,
  lastAccessDate: told.LastAccessedDate,
  lastChangedDate: told.LastChangedDate,
  tags: told.Tags,
  secret: told.SecretString,
});

export class SecretsManagerClient extends JSONClient {
  constructor(config) {
    super(config, 'secretsmanager', SecretsManagerServiceError, 'secretsmanager');
  }

  async listSecrets() {
    const found = [];
    const input = {};
    do {
      const told = await this.ask('ListSecrets', input);
      found.push(...told.SecretList.map(secretOf));
      input.NextToken = told.NextToken;
    } while (input.NextToken);
    return found;
  }

  async getSecret(id) {
    return secretOf(await this.ask('GetSecretValue', { SecretId: id }));
  }

  async createSecret(name, text, description, versionID, tags) {
    const input = { Name: name, SecretString: text, Description: description, ClientRequestToken: versionID ?? uuid(), Tags: tags };
    return secretOf(await this.ask('CreateSecret', input));
  }

  async putSecretValue(id, text, versionID) {
    const input = { SecretId: id, SecretString: text, ClientRequestToken: versionID ?? uuid() };
    return secretOf(await this.ask('PutSecretValue', input));
  }

  async deleteSecret(id, { recoveryWindow = 30, noRecovery = false } = {}) {
    const how = noRecovery ? { ForceDeleteWithoutRecovery: true } : { RecoveryWindowInDays: recoveryWindow };
    await this.ask('DeleteSecret', { SecretId: id, ...how });
  }
}

export class SystemsManagerClient extends JSONClient {
  constructor(config) {
    super(config, 'ssm', SystemsManagerServiceError, 'AmazonSSM');
  }

  async getParameter(name, withDecryption = false) {
    const { Parameter: told } = await this.ask('GetParameter', { Name: name, WithDecryption: withDecryption });
    return {
      arn: told.ARN,
      dataType: told.DataType,
      lastModifiedDate: told.LastModifiedDate,
      name: told.Name,
      selector: told.Selector,
      sourceResult: told.SourceResult,
      type: told.Type,
      value: told.Value,
      version: told.Version,
    };
  }
}

export class KMSClient extends JSONClient {
  constructor(config) {
    super(config, 'kms', KMSServiceError, 'TrentService');
  }

  async listKeys() {
    const { Keys: keys } = await this.ask('ListKeys');
    return keys.map(({ KeyId: keyId, KeyArn: keyArn }) => ({ keyId, keyArn }));
  }

  async generateDataKey(id, size = 32) {
    const told = await this.ask('GenerateDataKey', { KeyId: id, NumberOfBytes: size });
    return { id: told.KeyId, ciphertextBlob: told.CiphertextBlob, plaintext: told.Plaintext };
  }
}

// Messages, events, functions, streams

/** `messageDeduplicationId` becomes MessageDeduplicationId, and so on; also in a message's attributes. */
function messageInput(body, options = {}) {
  const input = { MessageBody: body };
  for (const [name, value] of Object.entries(options)) {
    if (name !== 'messageAttributes') input[name[0].toUpperCase() + name.slice(1)] = value;
  }
  if (options.messageAttributes) {
    input.MessageAttributes = Object.fromEntries(
      Object.entries(options.messageAttributes).map(([name, { type, value }]) => [
        name, { DataType: type, [type.startsWith('Binary') ? 'BinaryValue' : 'StringValue']: value },
      ]),
    );
  }
  return input;
}

export class SQSClient extends JSONClient {
  constructor(config) {
    super(config, 'sqs', SQSServiceError, 'AmazonSQS', '1.0');
  }

  async sendMessage(url, body, options) {
    const told = await this.ask('SendMessage', { QueueUrl: url, ...messageInput(body, options) });
    return { id: told.MessageId, bodyMD5: told.MD5OfMessageBody };
  }

  async sendMessageBatch(url, entries) {
    const listed = entries.map(({ messageId, messageBody, messageOptions }) => ({ Id: messageId, ...messageInput(messageBody, messageOptions) }));
    const told = await this.ask('SendMessageBatch', { QueueUrl: url, Entries: listed });
    return {
      successful: (told.Successful ?? []).map((one) => ({ id: one.MessageId, bodyMD5: one.MD5OfMessageBody })),
      failed: (told.Failed ?? []).map((one) => new SQSServiceError(one.Message, one.Code, 'SendMessageBatch')),
    };
  }

  async receiveMessages(url, { maxNumberOfMessages, visibilityTimeoutSeconds, waitTimeSeconds } = {}) {
    const told = await this.ask('ReceiveMessage', {
      QueueUrl: url,
      MaxNumberOfMessages: maxNumberOfMessages,
      VisibilityTimeout: visibilityTimeoutSeconds,
      WaitTimeSeconds: waitTimeSeconds,
    });
    return (told.Messages ?? []).map((one) => ({
      messageId: one.MessageId, body: one.Body, receiptHandle: one.ReceiptHandle, md5OfBody: one.MD5OfBody,
    }));
  }

  async deleteMessage(url, receiptHandle) {
    await this.ask('DeleteMessage', { QueueUrl: url, ReceiptHandle: receiptHandle });
  }

  async listQueues({ queueNamePrefix, maxResults, nextToken } = {}) {
    const told = await this.ask('ListQueues', { QueueNamePrefix: queueNamePrefix, MaxResults: maxResults, NextToken: nextToken });
    return { urls: told.QueueUrls ?? [], nextToken: told.NextToken };
  }
}

export class EventBridgeClient extends JSONClient {
  constructor(config) {
    super(config, 'events', EventBridgeServiceError, 'AWSEvents');
  }

  async putEvents({ Entries: entries, ...input }) {
    const listed = entries.map((entry) => ({ ...entry, Detail: JSON.stringify(entry.Detail) }));
    await this.ask('PutEvents', { ...input, Entries: listed });
  }
}

/** What is set of an input; falsy options are left out, as the original does. */
const given = (input) => Object.fromEntries(Object.entries(input).filter(([, value]) => value));

export class KinesisClient extends JSONClient {
  constructor(config) {
    super(config, 'kinesis', KinesisServiceError, 'Kinesis_20131202');
  }

  async createStream(name, { shardCount, streamModeDetails } = {}) {
    await this.ask('CreateStream', { StreamName: name, ...given({ ShardCount: shardCount, StreamMode: streamModeDetails?.streamMode }) });
  }

  async deleteStream(name, { streamARN, enforceConsumerDeletion } = {}) {
    const options = given({ StreamARN: streamARN, EnforceConsumerDeletion: enforceConsumerDeletion });
    await this.ask('DeleteStream', { StreamName: name, ...options });
  }

  async listStreams({ exclusiveStartStreamName, limit, nextToken } = {}) {
    const input = given({ ExclusiveStartStreamName: exclusiveStartStreamName, Limit: limit, NextToken: nextToken });
    const told = await this.ask('ListStreams', input);
    return {
      hasMoreStreams: told.HasMoreStreams ?? false,
      nextToken: told.NextToken ?? '',
      streamNames: told.StreamNames ?? [],
      streamSummaries: (told.StreamSummaries ?? []).map((one) => ({
        streamARN: one.StreamARN,
        streamCreationTimestamp: one.StreamCreationTimestamp,
        streamModeDetails: one.StreamModeDetails,
        streamName: one.StreamName,
        streamStatus: one.StreamStatus,
      })),
    };
  }

  async putRecords(records, { streamName, streamARN } = {}) {
    if (!streamName && !streamARN) throw new Error('Either streamName or streamARN must be provided');
    const told = await this.ask('PutRecords', { Records: records, ...given({ StreamName: streamName, StreamARN: streamARN }) });
    return {
      failedRecordCount: told.FailedRecordCount,
      records: (told.Records ?? []).map((one) => ({
        sequenceNumber: one.SequenceNumber, shardId: one.ShardId, errorCode: one.ErrorCode, errorMessage: one.ErrorMessage,
      })),
    };
  }

  async getRecords(shardIterator, { limit, streamARN } = {}) {
    const told = await this.ask('GetRecords', { ShardIterator: shardIterator, ...given({ Limit: limit, StreamARN: streamARN }) });
    return {
      nextShardIterator: told.NextShardIterator,
      millisBehindLatest: told.MillisBehindLatest,
      records: (told.Records ?? []).map((one) => ({
        data: one.Data,
        partitionKey: one.PartitionKey,
        sequenceNumber: one.SequenceNumber,
        approximateArrivalTimestamp: one.ApproximateArrivalTimestamp,
      })),
    };
  }

  async listShards(name, { nextToken, maxResults } = {}) {
    const told = await this.ask('ListShards', { StreamName: name, ...given({ NextToken: nextToken, MaxResults: maxResults }) });
    return {
      nextToken: told.NextToken,
      shards: (told.Shards ?? []).map((one) => ({
        shardId: one.ShardId,
        parentShardId: one.ParentShardId,
        adjacentParentShardId: one.AdjacentParentShardId,
        hashKeyRange: { startingHashKey: one.HashKeyRange?.StartingHashKey, endingHashKey: one.HashKeyRange?.EndingHashKey },
        sequenceNumberRange: {
          startingSequenceNumber: one.SequenceNumberRange?.StartingSequenceNumber,
          endingSequenceNumber: one.SequenceNumberRange?.EndingSequenceNumber,
        },
      })),
    };
  }

  async getShardIterator(name, shardId, shardIteratorType, { startingSequenceNumber, timestamp } = {}) {
    const options = given({ StartingSequenceNumber: startingSequenceNumber, Timestamp: timestamp });
    const input = { StreamName: name, ShardId: shardId, ShardIteratorType: shardIteratorType, ...options };
    return { shardIterator: (await this.ask('GetShardIterator', input)).ShardIterator };
  }
}

export class LambdaClient extends AWSClient {
  constructor(config) {
    super(config, 'lambda', LambdaServiceError);
  }

  async invoke(name, payload, { invocationType = 'RequestResponse', logType = 'None', clientContext, qualifier } = {}) {
    const headers = { 'X-Amz-Invocation-Type': invocationType, 'X-Amz-Log-Type': logType };
    if (clientContext !== undefined) headers['X-Amz-Client-Context'] = clientContext;
    const path = `/2015-03-31/functions/${escaped(name)}/invocations`;
    const query = qualifier === undefined ? undefined : { Qualifier: qualifier };
    const response = await this.send('Invoke', 'POST', { path, query, headers, body: payload ?? '' });
    const made = {
      statusCode: response.status,
      executedVersion: response.headers['X-Amz-Executed-Version'],
      logResult: response.headers['X-Amz-Log-Result'],
      payload: response.body ?? undefined,
    };
    const failed = response.headers['X-Amz-Function-Error'];
    if (failed !== undefined) throw new LambdaInvocationError(`${failed}: ${made.payload}`, made);
    return made;
  }
}

export default {
  AWSConfig, Endpoint, SignatureV4, S3Client, SecretsManagerClient, SystemsManagerClient, KMSClient, SQSClient,
  EventBridgeClient, KinesisClient, LambdaClient,
};
