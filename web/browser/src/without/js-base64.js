// Stands in for js-base64, which tus-js-client needs for metadata: uploads have none.
export const Base64 = {
  encode() {
    throw new Error("uploads have no metadata");
  },
};
