// Pictures and films for an app with Firebase.

export type * from "./models.js";
export type { Generation } from "./generation.js";
export { isFinal, readGeneration } from "./generation.js";
export type { Emberframe } from "./emberframe.js";
export { newId } from "./emberframe.js";
export type { GenerationRequest, OutputOf, PictureRequest } from "./requests.js";
export type * from "./failures.js";
export type { GenerationProgress } from "./progress.js";
export { resultOf } from "./results.js";
export type { Result } from "./results.js";
export { generate } from "./generate.js";
export type { GenerateOptions } from "./generate.js";
export { follow } from "./follow.js";
export type { FollowOptions } from "./follow.js";
export { watch } from "./watch.js";
export type { Watcher } from "./watch.js";
export { quietLookAt } from "./quiet.js";
export type { QuietLook } from "./quiet.js";
export { cancel } from "./cancel.js";
export { remove } from "./remove.js";
export { history } from "./history.js";
export type { HistoryCursor, HistoryOptions, HistoryPage } from "./history.js";
export { uploadInput } from "./upload.js";
export type { UploadOptions, Uploaded } from "./upload.js";
export { previewUrl } from "./preview.js";
export type { ObjectUrl } from "./preview.js";
