// Made by `make clients` from the contract's models in shared/: change those, not this.

export interface Text2ImgRequest {
    task_type: "text2img";
    /**
     * At most 2000 characters.
     */
    prompt: string;
    /**
     * What is not to be seen. At most 2000 characters.
     */
    negative_prompt?: string;
    /**
     * Drawn at random (53 bits) when not given, and reported in the output. At least 0, at most
     * 9007199254740991.
     */
    seed?: number;
    /**
     * Denoising steps of the base model. At least 1, at most 150. Default: 25.
     */
    num_inference_steps?: number;
    speed_tier?:          SpeedTier;
    /**
     * Pixels. When not given: the input image's size, or without one the model's own (SDXL:
     * 1024). At least 64, at most 2048, a multiple of 8.
     */
    width?: number;
    /**
     * As `width`. At least 64, at most 2048, a multiple of 8.
     */
    height?:    number;
    scheduler?: Scheduler;
    /**
     * How closely the prompt is followed. At least 0, at most 30. Default: 7.5.
     */
    guidance_scale?: number;
    /**
     * Denoising steps of the refiner, if the model has one; 0 leaves it out. At least 0, at
     * most 150. Default: 50.
     */
    refiner_inference_steps?: number;
    /**
     * Share of the noise put on the input image, or on the base's picture by the refiner. At
     * least 0, at most 1. Default: 0.3.
     */
    strength?: number;
    /**
     * Share of the steps done by the base before the refiner takes over. Above 0, below 1.
     */
    high_noise_frac?: number;
    /**
     * Not more than the deployment allows either: `parse_request` sees to that. At least 1, at
     * most 16. Default: 1.
     */
    num_images?:    number;
    output_format?: OutputFormat;
    /**
     * Under the names that the operator offers, each once; only the worker knows them. At most
     * 4.
     */
    loras?: Lora[];
    /**
     * Read weights as in `(red)1.3` in both prompts, and all of their tokens, not 77. Default:
     * false.
     */
    prompt_weighting?: boolean;
    /**
     * For endpoints without a document (RunPod); else, if given, that of the document's path.
     */
    user_id?: string;
    /**
     * As `user_id`: the document's id.
     */
    file_uid?: string;
    /**
     * Only for endpoints without a document; a document's files are always stored. Default:
     * false.
     */
    use_cloud_storage?: boolean;
}

/**
 * One small change of the model, which the operator offers under a name, and how much of it.
 */
export interface Lora {
    name: string;
    /**
     * Negative turns it round; 0 is none of it. At least -2, at most 2. Default: 1.0.
     */
    weight?: number;
}

/**
 * The file type of the pictures.
 */
export type OutputFormat = "png" | "jpeg" | "webp";

export type Scheduler = "PNDM" | "KLMS" | "DDIM" | "K_EULER" | "K_EULER_ANCESTRAL" | "DPMSolverMultistep" | "DPMSolverSinglestep" | "UniPC" | "DEIS" | "Heun" | "K_EULER_KARRAS" | "KLMS_KARRAS" | "DPMSolverMultistepKarras" | "DPMSolverSinglestepKarras" | "DPMSolverMultistepSDEKarras";

/**
 * How a result is come by: what a tier may leave out is the contract's, not a setting's;
 * few steps need a LoRA of the operator's.
 */
export type SpeedTier = "quality" | "fast";

export interface Img2ImgRequest {
    task_type: "img2img";
    /**
     * May be absent, since an image is there. At most 2000 characters.
     */
    prompt?: string;
    /**
     * The user's own file in Storage by its `gs://` or download address, a `data:image/` URL,
     * or an `https://` address of a host that the operator allows. At most 14000000 characters.
     */
    image_url: string;
    /**
     * What is not to be seen. At most 2000 characters.
     */
    negative_prompt?: string;
    /**
     * Drawn at random (53 bits) when not given, and reported in the output. At least 0, at most
     * 9007199254740991.
     */
    seed?: number;
    /**
     * Denoising steps of the base model. At least 1, at most 150. Default: 25.
     */
    num_inference_steps?: number;
    speed_tier?:          SpeedTier;
    /**
     * Pixels. When not given: the input image's size, or without one the model's own (SDXL:
     * 1024). At least 64, at most 2048, a multiple of 8.
     */
    width?: number;
    /**
     * As `width`. At least 64, at most 2048, a multiple of 8.
     */
    height?:    number;
    scheduler?: Scheduler;
    /**
     * How closely the prompt is followed. At least 0, at most 30. Default: 7.5.
     */
    guidance_scale?: number;
    /**
     * Denoising steps of the refiner, if the model has one; 0 leaves it out. At least 0, at
     * most 150. Default: 50.
     */
    refiner_inference_steps?: number;
    /**
     * Share of the noise put on the input image, or on the base's picture by the refiner. At
     * least 0, at most 1. Default: 0.3.
     */
    strength?: number;
    /**
     * Share of the steps done by the base before the refiner takes over. Above 0, below 1.
     */
    high_noise_frac?: number;
    /**
     * Not more than the deployment allows either: `parse_request` sees to that. At least 1, at
     * most 16. Default: 1.
     */
    num_images?:    number;
    output_format?: OutputFormat;
    /**
     * Under the names that the operator offers, each once; only the worker knows them. At most
     * 4.
     */
    loras?: Lora[];
    /**
     * Read weights as in `(red)1.3` in both prompts, and all of their tokens, not 77. Default:
     * false.
     */
    prompt_weighting?: boolean;
    /**
     * For endpoints without a document (RunPod); else, if given, that of the document's path.
     */
    user_id?: string;
    /**
     * As `user_id`: the document's id.
     */
    file_uid?: string;
    /**
     * Only for endpoints without a document; a document's files are always stored. Default:
     * false.
     */
    use_cloud_storage?: boolean;
}

export interface InpaintRequest {
    task_type: "inpaint";
    /**
     * At most 2000 characters.
     */
    prompt?: string;
    /**
     * As that of `img2img`. At most 14000000 characters.
     */
    image_url: string;
    /**
     * White is painted anew, black is kept. At most 14000000 characters.
     */
    mask_url: string;
    /**
     * What is not to be seen. At most 2000 characters.
     */
    negative_prompt?: string;
    /**
     * Drawn at random (53 bits) when not given, and reported in the output. At least 0, at most
     * 9007199254740991.
     */
    seed?: number;
    /**
     * Denoising steps of the base model. At least 1, at most 150. Default: 25.
     */
    num_inference_steps?: number;
    speed_tier?:          SpeedTier;
    /**
     * Pixels. When not given: the input image's size, or without one the model's own (SDXL:
     * 1024). At least 64, at most 2048, a multiple of 8.
     */
    width?: number;
    /**
     * As `width`. At least 64, at most 2048, a multiple of 8.
     */
    height?:    number;
    scheduler?: Scheduler;
    /**
     * How closely the prompt is followed. At least 0, at most 30. Default: 7.5.
     */
    guidance_scale?: number;
    /**
     * Denoising steps of the refiner, if the model has one; 0 leaves it out. At least 0, at
     * most 150. Default: 50.
     */
    refiner_inference_steps?: number;
    /**
     * Share of the noise put on the input image, or on the base's picture by the refiner. At
     * least 0, at most 1. Default: 0.3.
     */
    strength?: number;
    /**
     * Share of the steps done by the base before the refiner takes over. Above 0, below 1.
     */
    high_noise_frac?: number;
    /**
     * Not more than the deployment allows either: `parse_request` sees to that. At least 1, at
     * most 16. Default: 1.
     */
    num_images?:    number;
    output_format?: OutputFormat;
    /**
     * Under the names that the operator offers, each once; only the worker knows them. At most
     * 4.
     */
    loras?: Lora[];
    /**
     * Read weights as in `(red)1.3` in both prompts, and all of their tokens, not 77. Default:
     * false.
     */
    prompt_weighting?: boolean;
    /**
     * For endpoints without a document (RunPod); else, if given, that of the document's path.
     */
    user_id?: string;
    /**
     * As `user_id`: the document's id.
     */
    file_uid?: string;
    /**
     * Only for endpoints without a document; a document's files are always stored. Default:
     * false.
     */
    use_cloud_storage?: boolean;
}

export interface Text2VideoRequest {
    task_type: "text2video";
    /**
     * At most 2000 characters.
     */
    prompt: string;
    /**
     * What is not to be seen. At most 2000 characters.
     */
    negative_prompt?: string;
    /**
     * Drawn at random (53 bits) when not given, and reported in the output. At least 0, at most
     * 9007199254740991.
     */
    seed?: number;
    /**
     * Denoising steps of the base model. At least 1, at most 150. Default: 25.
     */
    num_inference_steps?: number;
    speed_tier?:          SpeedTier;
    /**
     * Pixels. Width × height is 832×480, 480×832, 1280×720 or 720×1280 (VIDEO_SIZES). Default:
     * 480.
     */
    video_height?: number;
    /**
     * As `video_height`. Default: 832.
     */
    video_width?: number;
    /**
     * Wan makes 4k + 1 frames; others are rounded up to that. At least 16, at most 81. Default:
     * 81.
     */
    num_frames?: number;
    /**
     * How closely the prompt is followed. At least 1, at most 20. Default: 5.0.
     */
    video_guidance_scale?: number;
    /**
     * Frames a second. At least 6, at most 30. Default: 15.
     */
    fps?: number;
    /**
     * For endpoints without a document (RunPod); else, if given, that of the document's path.
     */
    user_id?: string;
    /**
     * As `user_id`: the document's id.
     */
    file_uid?: string;
    /**
     * Only for endpoints without a document; a document's files are always stored. Default:
     * false.
     */
    use_cloud_storage?: boolean;
}

/**
 * Of `text2video`.
 */
export interface FilmOutput {
    /**
     * That of the first picture, or of the film.
     */
    seed:        number;
    model:       string;
    native_size: Size;
    /**
     * Whether the end of a prompt was left out, because the model reads only so much.
     */
    prompt_truncated: boolean;
    speed_tier?:      SpeedTier;
    video_url:        string;
    videos:           string[];
    video_info:       VideoInfo;
    files:            StoredFilm[];
    /**
     * Frames that the model drew, before they were stretched to what was asked.
     */
    native_frames: number;
    /**
     * What `num_frames` was, where it was rounded.
     */
    requested_frames?: number;
}

export interface StoredFilm {
    url: string;
    /**
     * At most 256 pixels a side.
     */
    thumbnail_url: string;
    /**
     * A placeholder of some 25 bytes as base64, to show until the picture is there.
     */
    thumbhash:        string;
    storage_path:     string;
    content_type:     string;
    size_bytes:       number;
    width:            number;
    height:           number;
    seed:             number;
    duration_seconds: number;
    /**
     * The first frame in full size.
     */
    poster_url: string;
    /**
     * A small animated WebP, where the operator wants those.
     */
    preview_url?: string;
}

/**
 * Pixels.
 */
export interface Size {
    width:  number;
    height: number;
}

/**
 * Measured from the file.
 */
export interface VideoInfo {
    frames:           number;
    width:            number;
    height:           number;
    fps:              number;
    duration_seconds: number;
    codec:            string;
    pixel_format:     string;
    /**
     * Bits a second.
     */
    bit_rate: number;
}

/**
 * Of `text2img`, `img2img` and `inpaint`.
 */
export interface PictureOutput {
    /**
     * That of the first picture, or of the film.
     */
    seed:        number;
    model:       string;
    native_size: Size;
    /**
     * Whether the end of a prompt was left out, because the model reads only so much.
     */
    prompt_truncated: boolean;
    speed_tier?:      SpeedTier;
    /**
     * The first of `images`.
     */
    image_url: string;
    images:    string[];
    files:     StoredFile[];
    /**
     * Whether the refiner took part.
     */
    refiner: boolean;
    /**
     * Those asked for, where there were any.
     */
    loras?:     Lora[];
    few_steps?: FewSteps;
}

/**
 * How a picture was drawn by a LoRA for few steps, in the place of what the request says.
 */
export interface FewSteps {
    lora:                string;
    weight:              number;
    num_inference_steps: number;
    guidance_scale:      number;
    /**
     * `euler_trailing`, `ddim_trailing` or `lcm`.
     */
    sampler: string;
}

/**
 * One picture or film in Firebase Storage. Whoever has one of the addresses can read it.
 */
export interface StoredFile {
    url: string;
    /**
     * At most 256 pixels a side.
     */
    thumbnail_url: string;
    /**
     * A placeholder of some 25 bytes as base64, to show until the picture is there.
     */
    thumbhash:         string;
    storage_path:      string;
    content_type:      string;
    size_bytes:        number;
    width:             number;
    height:            number;
    seed:              number;
    duration_seconds?: number;
    /**
     * The first frame in full size.
     */
    poster_url?: string;
    /**
     * A small animated WebP, where the operator wants those.
     */
    preview_url?: string;
}

/**
 * One generation: the document `users/{uid}/generations/{id}`.
 */
export interface Generation {
    /**
     * The request as it was written. Never changes, but one that is too big is emptied at the
     * end.
     */
    input:      { [key: string]: unknown };
    status:     Status;
    created_at: Date;
    kind?:      Kind;
    /**
     * The owner wants it to end.
     */
    cancel_requested?: boolean;
    queue?:            Queue;
    progress?:         Progress;
    output?:           Output;
    error?:            Failure;
    /**
     * Attempts so far that were not given back on purpose.
     */
    attempt?: number;
    /**
     * When it was accepted.
     */
    queued_at?: Date;
    /**
     * When the latest attempt began.
     */
    started_at?:   Date;
    completed_at?: Date;
    updated_at?:   Date;
    /**
     * The earliest time of the next attempt, after one that failed.
     */
    not_before?: Date;
    /**
     * When it will be removed, where the operator lets generations expire.
     */
    expire_at?: Date;
    timings?:   Timings;
    cost?:      Cost;
    charge?:    CreditCharge;
    lease?:     HeldLease;
    dispatch?:  DispatchedJob;
    /**
     * Its end is told to its owner's devices, where the operator has notifications.
     */
    notify?: boolean;
    /**
     * When the server looks whether a message about it was lost.
     */
    sweep_after?: Date;
}

/**
 * What it costs its owner; not there where the operator has no quotas.
 */
export interface CreditCharge {
    credits: number;
    /**
     * The day (UTC) that they count for, as `2026-11-23`.
     */
    day:   string;
    state: ChargeState;
}

export type ChargeState = "reserved" | "spent" | "refunded";

/**
 * What it took.
 */
export interface Cost {
    /**
     * How long the model worked on it.
     */
    gpu_seconds: number;
}

/**
 * The last job that it was handed to, where the operator has RunPod start workers for it.
 */
export interface DispatchedJob {
    endpoint: string;
    job_id:   string;
    at:       Date;
    /**
     * The lease's then.
     */
    token: number;
}

/**
 * Why it failed, or, while it waits for another try, why the last one did.
 */
export interface Failure {
    code: ErrorCode;
    /**
     * For the person, in English.
     */
    message: string;
    /**
     * The server tries these again by itself, three times at most.
     */
    retryable: boolean;
    quota?:    Quota;
}

export type ErrorCode = "invalid_input" | "content_rejected" | "quota_exceeded" | "unsupported_task" | "input_unavailable" | "out_of_memory" | "engine_crashed" | "worker_lost" | "timed_out" | "service_unavailable" | "attempts_exhausted" | "internal";

/**
 * What was too much: credits, or of `concurrent` generations.
 */
export interface Quota {
    limit:   QuotaLimit;
    allowed: number;
    /**
     * Above `allowed`, the request never fits.
     */
    needed: number;
    left:   number;
    /**
     * When there are new credits; not there for `concurrent`.
     */
    renews_at?: Date;
}

export type QuotaLimit = "daily_credits" | "concurrent";

export type Kind = "image" | "video";

/**
 * Who works on it: the server's own book-keeping.
 */
export interface HeldLease {
    token:      number;
    worker_id:  null | string;
    expires_at: Date | null;
}

/**
 * Of pictures or of a film, whose fields are optional therefore.
 */
export interface Output {
    /**
     * That of the first picture, or of the film.
     */
    seed:        number;
    model:       string;
    native_size: Size;
    /**
     * Whether the end of a prompt was left out, because the model reads only so much.
     */
    prompt_truncated: boolean;
    speed_tier?:      SpeedTier;
    /**
     * The first of `images`.
     */
    image_url?: string;
    images?:    string[];
    files:      StoredFile[];
    /**
     * Whether the refiner took part.
     */
    refiner?: boolean;
    /**
     * Those asked for, where there were any.
     */
    loras?:      Lora[];
    few_steps?:  FewSteps;
    video_url?:  string;
    videos?:     string[];
    video_info?: VideoInfo;
    /**
     * Frames that the model drew, before they were stretched to what was asked.
     */
    native_frames?: number;
    /**
     * What `num_frames` was, where it was rounded.
     */
    requested_frames?: number;
}

/**
 * How far a worker is. At most one change a second; never backwards within an attempt.
 */
export interface Progress {
    /**
     * Share of the whole that is done.
     */
    fraction: number;
    stage:    Stage;
    step:     number;
    /**
     * Some schedulers take one or two more than asked for.
     */
    total_steps: number;
    /**
     * A small WebP picture of what is there so far; of a film its middle frame.
     */
    preview?: Uint8Array;
}

/**
 * What a worker is doing with a generation.
 */
export type Stage = "encode" | "denoise" | "refine" | "decode" | "store";

/**
 * Where a generation stands that waits for a worker.
 */
export interface Queue {
    /**
     * Generations that will be begun before this one.
     */
    ahead: number;
    /**
     * Estimated seconds until it is begun; not there when nobody can know.
     */
    eta_seconds?: number;
}

export type Status = "pending" | "queued" | "processing" | "completed" | "failed" | "cancelled";

/**
 * Seconds by stage; a stage that there was none of is not there.
 */
export interface Timings {
    encode?:  number;
    denoise?: number;
    refine?:  number;
    decode?:  number;
    /**
     * Of looking at the pictures, where that is done.
     */
    check?: number;
    /**
     * Of a film: from its last frame to the finished file.
     */
    encode_film?: number;
    compress?:    number;
    upload?:      number;
}
