// Stands in for url-parse, of which tus-js-client needs what every browser has by now.
export default URL;
