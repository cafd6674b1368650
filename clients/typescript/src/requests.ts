// Which request there is for each task, and what comes of it.

import type {
  FilmOutput,
  Img2ImgRequest,
  InpaintRequest,
  PictureOutput,
  Text2ImgRequest,
  Text2VideoRequest,
} from "./models.js";

/** A request for pictures. `task_type` says which, and so which fields there are. */
export type PictureRequest = Text2ImgRequest | Img2ImgRequest | InpaintRequest;

/** Any request. */
export type GenerationRequest = PictureRequest | Text2VideoRequest;

/** What a request of type `R` leads to. */
export type OutputOf<R extends GenerationRequest> = R extends Text2VideoRequest
  ? FilmOutput
  : PictureOutput;
