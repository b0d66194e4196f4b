// JSON Schema for k6chaijs: `expect(...).to.matchSchema(schema)`, the API of jslib's k6chaijs-contracts.

import { check } from 'k6';
import Ajv from 'https://jslib.k6.io/ajv/6.12.5/index.js';

/** Teaches `chai` the assertion; each error of a value that does not match is logged and becomes a check, too. */
export function initContractPlugin(chai) {
  const ajv = new Ajv();
  chai.util.addMethod(chai.Assertion.prototype, 'matchSchema', function (schema) {
    const validate = ajv.compile(schema);
    // The original hands over the schema where Ajv takes the path of the data, and the names of checks show it.
    const isValid = validate(chai.util.flag(this, 'object'), String(schema));
    if (!isValid) {
      console.error(JSON.stringify(validate.errors));
      for (const { dataPath, message } of validate.errors) check(null, { [`${dataPath} ${message}`]: false });
    }
    this.assert(isValid, 'expected to match API schema', 'expected to not not match the API schema', null, null);
  });
}

export default { initContractPlugin };
