// Stands in for the error.js of tus-js-client, which tells the whole request in
// words: nobody is told them.
export default class extends Error {
  constructor(_message, causingError, originalRequest, originalResponse) {
    super();
    Object.assign(this, { causingError, originalRequest, originalResponse });
  }
}
