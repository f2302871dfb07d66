/** The version of Keelson itself. The API's is in apiserver/version.ts. */
export const version = "0.1.0";
