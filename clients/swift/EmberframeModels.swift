// Made by `make clients` from the contract's models in shared/: change those, not this.

import Foundation

// MARK: - EmberText2ImgRequest
struct EmberText2ImgRequest: Codable, Sendable {
    var taskType: EmberText2ImgRequestTaskType
    /// At most 2000 characters.
    var prompt: String
    /// What is not to be seen. At most 2000 characters.
    var negativePrompt: String?
    /// Drawn at random (53 bits) when not given, and reported in the output. At least 0, at most
    /// 9007199254740991.
    var seed: Int?
    /// Denoising steps of the base model. At least 1, at most 150. Default: 25.
    var numInferenceSteps: Int?
    var speedTier: EmberSpeedTier?
    /// Pixels. When not given: the input image's size, or without one the model's own (SDXL:
    /// 1024). At least 64, at most 2048, a multiple of 8.
    var width: Int?
    /// As `width`. At least 64, at most 2048, a multiple of 8.
    var height: Int?
    var scheduler: EmberScheduler?
    /// How closely the prompt is followed. At least 0, at most 30. Default: 7.5.
    var guidanceScale: Double?
    /// Denoising steps of the refiner, if the model has one; 0 leaves it out. At least 0, at
    /// most 150. Default: 50.
    var refinerInferenceSteps: Int?
    /// Share of the noise put on the input image, or on the base's picture by the refiner. At
    /// least 0, at most 1. Default: 0.3.
    var strength: Double?
    /// Share of the steps done by the base before the refiner takes over. Above 0, below 1.
    var highNoiseFrac: Double?
    /// Not more than the deployment allows either: `parse_request` sees to that. At least 1, at
    /// most 16. Default: 1.
    var numImages: Int?
    var outputFormat: EmberOutputFormat?
    /// Under the names that the operator offers, each once; only the worker knows them. At most
    /// 4.
    var loras: [EmberLora]?
    /// Read weights as in `(red)1.3` in both prompts, and all of their tokens, not 77. Default:
    /// false.
    var promptWeighting: Bool?
    /// For endpoints without a document (RunPod); else, if given, that of the document's path.
    var userID: String?
    /// As `user_id`: the document's id.
    var fileUid: String?
    /// Only for endpoints without a document; a document's files are always stored. Default:
    /// false.
    var useCloudStorage: Bool?

    enum CodingKeys: String, CodingKey {
        case taskType = "task_type"
        case prompt = "prompt"
        case negativePrompt = "negative_prompt"
        case seed = "seed"
        case numInferenceSteps = "num_inference_steps"
        case speedTier = "speed_tier"
        case width = "width"
        case height = "height"
        case scheduler = "scheduler"
        case guidanceScale = "guidance_scale"
        case refinerInferenceSteps = "refiner_inference_steps"
        case strength = "strength"
        case highNoiseFrac = "high_noise_frac"
        case numImages = "num_images"
        case outputFormat = "output_format"
        case loras = "loras"
        case promptWeighting = "prompt_weighting"
        case userID = "user_id"
        case fileUid = "file_uid"
        case useCloudStorage = "use_cloud_storage"
    }
}

/// One small change of the model, which the operator offers under a name, and how much of it.
// MARK: - EmberLora
struct EmberLora: Codable, Sendable {
    var name: String
    /// Negative turns it round; 0 is none of it. At least -2, at most 2. Default: 1.0.
    var weight: Double?

    enum CodingKeys: String, CodingKey {
        case name = "name"
        case weight = "weight"
    }
}

/// The file type of the pictures.
enum EmberOutputFormat: String, Codable, Sendable {
    case jpeg = "jpeg"
    case png = "png"
    case webp = "webp"
}

enum EmberScheduler: String, Codable, Sendable {
    case ddim = "DDIM"
    case deis = "DEIS"
    case dpmSolverMultistep = "DPMSolverMultistep"
    case dpmSolverMultistepKarras = "DPMSolverMultistepKarras"
    case dpmSolverMultistepSDEKarras = "DPMSolverMultistepSDEKarras"
    case dpmSolverSinglestep = "DPMSolverSinglestep"
    case dpmSolverSinglestepKarras = "DPMSolverSinglestepKarras"
    case heun = "Heun"
    case kEuler = "K_EULER"
    case kEulerAncestral = "K_EULER_ANCESTRAL"
    case kEulerKarras = "K_EULER_KARRAS"
    case klms = "KLMS"
    case klmsKarras = "KLMS_KARRAS"
    case pndm = "PNDM"
    case uniPC = "UniPC"
}

/// How a result is come by: what a tier may leave out is the contract's, not a setting's;
/// few steps need a LoRA of the operator's.
enum EmberSpeedTier: String, Codable, Sendable {
    case fast = "fast"
    case quality = "quality"
}

enum EmberText2ImgRequestTaskType: String, Codable, Sendable {
    case text2Img = "text2img"
}

// MARK: - EmberImg2ImgRequest
struct EmberImg2ImgRequest: Codable, Sendable {
    var taskType: EmberImg2ImgRequestTaskType
    /// May be absent, since an image is there. At most 2000 characters.
    var prompt: String?
    /// The user's own file in Storage by its `gs://` or download address, a `data:image/` URL,
    /// or an `https://` address of a host that the operator allows. At most 14000000 characters.
    var imageURL: String
    /// What is not to be seen. At most 2000 characters.
    var negativePrompt: String?
    /// Drawn at random (53 bits) when not given, and reported in the output. At least 0, at most
    /// 9007199254740991.
    var seed: Int?
    /// Denoising steps of the base model. At least 1, at most 150. Default: 25.
    var numInferenceSteps: Int?
    var speedTier: EmberSpeedTier?
    /// Pixels. When not given: the input image's size, or without one the model's own (SDXL:
    /// 1024). At least 64, at most 2048, a multiple of 8.
    var width: Int?
    /// As `width`. At least 64, at most 2048, a multiple of 8.
    var height: Int?
    var scheduler: EmberScheduler?
    /// How closely the prompt is followed. At least 0, at most 30. Default: 7.5.
    var guidanceScale: Double?
    /// Denoising steps of the refiner, if the model has one; 0 leaves it out. At least 0, at
    /// most 150. Default: 50.
    var refinerInferenceSteps: Int?
    /// Share of the noise put on the input image, or on the base's picture by the refiner. At
    /// least 0, at most 1. Default: 0.3.
    var strength: Double?
    /// Share of the steps done by the base before the refiner takes over. Above 0, below 1.
    var highNoiseFrac: Double?
    /// Not more than the deployment allows either: `parse_request` sees to that. At least 1, at
    /// most 16. Default: 1.
    var numImages: Int?
    var outputFormat: EmberOutputFormat?
    /// Under the names that the operator offers, each once; only the worker knows them. At most
    /// 4.
    var loras: [EmberLora]?
    /// Read weights as in `(red)1.3` in both prompts, and all of their tokens, not 77. Default:
    /// false.
    var promptWeighting: Bool?
    /// For endpoints without a document (RunPod); else, if given, that of the document's path.
    var userID: String?
    /// As `user_id`: the document's id.
    var fileUid: String?
    /// Only for endpoints without a document; a document's files are always stored. Default:
    /// false.
    var useCloudStorage: Bool?

    enum CodingKeys: String, CodingKey {
        case taskType = "task_type"
        case prompt = "prompt"
        case imageURL = "image_url"
        case negativePrompt = "negative_prompt"
        case seed = "seed"
        case numInferenceSteps = "num_inference_steps"
        case speedTier = "speed_tier"
        case width = "width"
        case height = "height"
        case scheduler = "scheduler"
        case guidanceScale = "guidance_scale"
        case refinerInferenceSteps = "refiner_inference_steps"
        case strength = "strength"
        case highNoiseFrac = "high_noise_frac"
        case numImages = "num_images"
        case outputFormat = "output_format"
        case loras = "loras"
        case promptWeighting = "prompt_weighting"
        case userID = "user_id"
        case fileUid = "file_uid"
        case useCloudStorage = "use_cloud_storage"
    }
}

enum EmberImg2ImgRequestTaskType: String, Codable, Sendable {
    case img2Img = "img2img"
}

// MARK: - EmberInpaintRequest
struct EmberInpaintRequest: Codable, Sendable {
    var taskType: EmberInpaintRequestTaskType
    /// At most 2000 characters.
    var prompt: String?
    /// As that of `img2img`. At most 14000000 characters.
    var imageURL: String
    /// White is painted anew, black is kept. At most 14000000 characters.
    var maskURL: String
    /// What is not to be seen. At most 2000 characters.
    var negativePrompt: String?
    /// Drawn at random (53 bits) when not given, and reported in the output. At least 0, at most
    /// 9007199254740991.
    var seed: Int?
    /// Denoising steps of the base model. At least 1, at most 150. Default: 25.
    var numInferenceSteps: Int?
    var speedTier: EmberSpeedTier?
    /// Pixels. When not given: the input image's size, or without one the model's own (SDXL:
    /// 1024). At least 64, at most 2048, a multiple of 8.
    var width: Int?
    /// As `width`. At least 64, at most 2048, a multiple of 8.
    var height: Int?
    var scheduler: EmberScheduler?
    /// How closely the prompt is followed. At least 0, at most 30. Default: 7.5.
    var guidanceScale: Double?
    /// Denoising steps of the refiner, if the model has one; 0 leaves it out. At least 0, at
    /// most 150. Default: 50.
    var refinerInferenceSteps: Int?
    /// Share of the noise put on the input image, or on the base's picture by the refiner. At
    /// least 0, at most 1. Default: 0.3.
    var strength: Double?
    /// Share of the steps done by the base before the refiner takes over. Above 0, below 1.
    var highNoiseFrac: Double?
    /// Not more than the deployment allows either: `parse_request` sees to that. At least 1, at
    /// most 16. Default: 1.
    var numImages: Int?
    var outputFormat: EmberOutputFormat?
    /// Under the names that the operator offers, each once; only the worker knows them. At most
    /// 4.
    var loras: [EmberLora]?
    /// Read weights as in `(red)1.3` in both prompts, and all of their tokens, not 77. Default:
    /// false.
    var promptWeighting: Bool?
    /// For endpoints without a document (RunPod); else, if given, that of the document's path.
    var userID: String?
    /// As `user_id`: the document's id.
    var fileUid: String?
    /// Only for endpoints without a document; a document's files are always stored. Default:
    /// false.
    var useCloudStorage: Bool?

    enum CodingKeys: String, CodingKey {
        case taskType = "task_type"
        case prompt = "prompt"
        case imageURL = "image_url"
        case maskURL = "mask_url"
        case negativePrompt = "negative_prompt"
        case seed = "seed"
        case numInferenceSteps = "num_inference_steps"
        case speedTier = "speed_tier"
        case width = "width"
        case height = "height"
        case scheduler = "scheduler"
        case guidanceScale = "guidance_scale"
        case refinerInferenceSteps = "refiner_inference_steps"
        case strength = "strength"
        case highNoiseFrac = "high_noise_frac"
        case numImages = "num_images"
        case outputFormat = "output_format"
        case loras = "loras"
        case promptWeighting = "prompt_weighting"
        case userID = "user_id"
        case fileUid = "file_uid"
        case useCloudStorage = "use_cloud_storage"
    }
}

enum EmberInpaintRequestTaskType: String, Codable, Sendable {
    case inpaint = "inpaint"
}

// MARK: - EmberText2VideoRequest
struct EmberText2VideoRequest: Codable, Sendable {
    var taskType: EmberText2VideoRequestTaskType
    /// At most 2000 characters.
    var prompt: String
    /// What is not to be seen. At most 2000 characters.
    var negativePrompt: String?
    /// Drawn at random (53 bits) when not given, and reported in the output. At least 0, at most
    /// 9007199254740991.
    var seed: Int?
    /// Denoising steps of the base model. At least 1, at most 150. Default: 25.
    var numInferenceSteps: Int?
    var speedTier: EmberSpeedTier?
    /// Pixels. Width × height is 832×480, 480×832, 1280×720 or 720×1280 (VIDEO_SIZES). Default:
    /// 480.
    var videoHeight: Int?
    /// As `video_height`. Default: 832.
    var videoWidth: Int?
    /// Wan makes 4k + 1 frames; others are rounded up to that. At least 16, at most 81. Default:
    /// 81.
    var numFrames: Int?
    /// How closely the prompt is followed. At least 1, at most 20. Default: 5.0.
    var videoGuidanceScale: Double?
    /// Frames a second. At least 6, at most 30. Default: 15.
    var fps: Int?
    /// For endpoints without a document (RunPod); else, if given, that of the document's path.
    var userID: String?
    /// As `user_id`: the document's id.
    var fileUid: String?
    /// Only for endpoints without a document; a document's files are always stored. Default:
    /// false.
    var useCloudStorage: Bool?

    enum CodingKeys: String, CodingKey {
        case taskType = "task_type"
        case prompt = "prompt"
        case negativePrompt = "negative_prompt"
        case seed = "seed"
        case numInferenceSteps = "num_inference_steps"
        case speedTier = "speed_tier"
        case videoHeight = "video_height"
        case videoWidth = "video_width"
        case numFrames = "num_frames"
        case videoGuidanceScale = "video_guidance_scale"
        case fps = "fps"
        case userID = "user_id"
        case fileUid = "file_uid"
        case useCloudStorage = "use_cloud_storage"
    }
}

enum EmberText2VideoRequestTaskType: String, Codable, Sendable {
    case text2Video = "text2video"
}

/// One generation: the document `users/{uid}/generations/{id}`.
// MARK: - EmberGeneration
struct EmberGeneration: Codable, Sendable {
    var status: EmberStatus
    var createdAt: Date
    var kind: EmberKind?
    /// The owner wants it to end.
    var cancelRequested: Bool?
    var queue: EmberQueue?
    var progress: EmberProgress?
    var output: EmberOutput?
    var error: EmberFailure?
    /// Attempts so far that were not given back on purpose.
    var attempt: Int?
    /// When it was accepted.
    var queuedAt: Date?
    /// When the latest attempt began.
    var startedAt: Date?
    var completedAt: Date?
    var updatedAt: Date?
    /// The earliest time of the next attempt, after one that failed.
    var notBefore: Date?
    /// When it will be removed, where the operator lets generations expire.
    var expireAt: Date?
    var timings: EmberTimings?
    var cost: EmberCost?
    var charge: EmberCreditCharge?
    var lease: EmberHeldLease?
    var dispatch: EmberDispatchedJob?
    /// Its end is told to its owner's devices, where the operator has notifications.
    var notify: Bool?
    /// When the server looks whether a message about it was lost.
    var sweepAfter: Date?

    enum CodingKeys: String, CodingKey {
        case status = "status"
        case createdAt = "created_at"
        case kind = "kind"
        case cancelRequested = "cancel_requested"
        case queue = "queue"
        case progress = "progress"
        case output = "output"
        case error = "error"
        case attempt = "attempt"
        case queuedAt = "queued_at"
        case startedAt = "started_at"
        case completedAt = "completed_at"
        case updatedAt = "updated_at"
        case notBefore = "not_before"
        case expireAt = "expire_at"
        case timings = "timings"
        case cost = "cost"
        case charge = "charge"
        case lease = "lease"
        case dispatch = "dispatch"
        case notify = "notify"
        case sweepAfter = "sweep_after"
    }
}

/// What it costs its owner; not there where the operator has no quotas.
// MARK: - EmberCreditCharge
struct EmberCreditCharge: Codable, Sendable {
    var credits: Int
    /// The day (UTC) that they count for, as `2026-11-23`.
    var day: String
    /// Known: `reserved`, `spent`, `refunded`; there may be others.
    var state: String

    enum CodingKeys: String, CodingKey {
        case credits = "credits"
        case day = "day"
        case state = "state"
    }
}

/// What it took.
// MARK: - EmberCost
struct EmberCost: Codable, Sendable {
    /// How long the model worked on it.
    var gpuSeconds: Double

    enum CodingKeys: String, CodingKey {
        case gpuSeconds = "gpu_seconds"
    }
}

/// The last job that it was handed to, where the operator has RunPod start workers for it.
// MARK: - EmberDispatchedJob
struct EmberDispatchedJob: Codable, Sendable {
    var endpoint: String
    var jobID: String
    var at: Date
    /// The lease's then.
    var token: Int

    enum CodingKeys: String, CodingKey {
        case endpoint = "endpoint"
        case jobID = "job_id"
        case at = "at"
        case token = "token"
    }
}

/// Why it failed, or, while it waits for another try, why the last one did.
// MARK: - EmberFailure
struct EmberFailure: Codable, Sendable {
    /// For the program. Known: `invalid_input`, `content_rejected`, `quota_exceeded`,
    /// `unsupported_task`, `input_unavailable`, `out_of_memory`, `engine_crashed`,
    /// `worker_lost`, `timed_out`, `service_unavailable`, `attempts_exhausted`, `internal`;
    /// there may be others.
    var code: String
    /// For the person, in English.
    var message: String
    /// The server tries these again by itself, three times at most.
    var retryable: Bool
    var quota: EmberQuota?

    enum CodingKeys: String, CodingKey {
        case code = "code"
        case message = "message"
        case retryable = "retryable"
        case quota = "quota"
    }
}

/// What was too much: credits, or of `concurrent` generations.
// MARK: - EmberQuota
struct EmberQuota: Codable, Sendable {
    /// Known: `daily_credits`, `concurrent`; there may be others.
    var limit: String
    var allowed: Int
    /// Above `allowed`, the request never fits.
    var needed: Int
    var quotaLeft: Int
    /// When there are new credits; not there for `concurrent`.
    var renewsAt: Date?

    enum CodingKeys: String, CodingKey {
        case limit = "limit"
        case allowed = "allowed"
        case needed = "needed"
        case quotaLeft = "left"
        case renewsAt = "renews_at"
    }
}

enum EmberKind: String, Codable, Sendable {
    case image = "image"
    case video = "video"
}

/// Who works on it: the server's own book-keeping.
// MARK: - EmberHeldLease
struct EmberHeldLease: Codable, Sendable {
    var token: Int
    var workerID: String?
    var expiresAt: Date?

    enum CodingKeys: String, CodingKey {
        case token = "token"
        case workerID = "worker_id"
        case expiresAt = "expires_at"
    }
}

/// Of pictures or of a film, whose fields are optional therefore.
// MARK: - EmberOutput
struct EmberOutput: Codable, Sendable {
    /// That of the first picture, or of the film.
    var seed: Int
    var model: String
    var nativeSize: EmberSize
    /// Whether the end of a prompt was left out, because the model reads only so much.
    var promptTruncated: Bool
    var speedTier: EmberSpeedTier?
    /// The first of `images`.
    var imageURL: String?
    var images: [String]?
    var files: [EmberStoredFile]
    /// Whether the refiner took part.
    var refiner: Bool?
    /// Those asked for, where there were any.
    var loras: [EmberLora]?
    var fewSteps: EmberFewSteps?
    var videoURL: String?
    var videos: [String]?
    var videoInfo: EmberVideoInfo?
    /// Frames that the model drew, before they were stretched to what was asked.
    var nativeFrames: Int?
    /// What `num_frames` was, where it was rounded.
    var requestedFrames: Int?

    enum CodingKeys: String, CodingKey {
        case seed = "seed"
        case model = "model"
        case nativeSize = "native_size"
        case promptTruncated = "prompt_truncated"
        case speedTier = "speed_tier"
        case imageURL = "image_url"
        case images = "images"
        case files = "files"
        case refiner = "refiner"
        case loras = "loras"
        case fewSteps = "few_steps"
        case videoURL = "video_url"
        case videos = "videos"
        case videoInfo = "video_info"
        case nativeFrames = "native_frames"
        case requestedFrames = "requested_frames"
    }
}

/// How a picture was drawn by a LoRA for few steps, in the place of what the request says.
// MARK: - EmberFewSteps
struct EmberFewSteps: Codable, Sendable {
    var lora: String
    var weight: Double
    var numInferenceSteps: Int
    var guidanceScale: Double
    /// `euler_trailing`, `ddim_trailing` or `lcm`.
    var sampler: String

    enum CodingKeys: String, CodingKey {
        case lora = "lora"
        case weight = "weight"
        case numInferenceSteps = "num_inference_steps"
        case guidanceScale = "guidance_scale"
        case sampler = "sampler"
    }
}

/// One picture or film in Firebase Storage. Whoever has one of the addresses can read it.
// MARK: - EmberStoredFile
struct EmberStoredFile: Codable, Sendable {
    var url: String
    /// At most 256 pixels a side.
    var thumbnailURL: String
    /// A placeholder of some 25 bytes as base64, to show until the picture is there.
    var thumbhash: String
    var storagePath: String
    var contentType: String
    var sizeBytes: Int
    var width: Int
    var height: Int
    var seed: Int
    var durationSeconds: Double?
    /// The first frame in full size.
    var posterURL: String?
    /// A small animated WebP, where the operator wants those.
    var previewURL: String?

    enum CodingKeys: String, CodingKey {
        case url = "url"
        case thumbnailURL = "thumbnail_url"
        case thumbhash = "thumbhash"
        case storagePath = "storage_path"
        case contentType = "content_type"
        case sizeBytes = "size_bytes"
        case width = "width"
        case height = "height"
        case seed = "seed"
        case durationSeconds = "duration_seconds"
        case posterURL = "poster_url"
        case previewURL = "preview_url"
    }
}

/// Pixels.
// MARK: - EmberSize
struct EmberSize: Codable, Sendable {
    var width: Int
    var height: Int

    enum CodingKeys: String, CodingKey {
        case width = "width"
        case height = "height"
    }
}

/// Measured from the file.
// MARK: - EmberVideoInfo
struct EmberVideoInfo: Codable, Sendable {
    var frames: Int
    var width: Int
    var height: Int
    var fps: Double
    var durationSeconds: Double
    var codec: String
    var pixelFormat: String
    /// Bits a second.
    var bitRate: Int

    enum CodingKeys: String, CodingKey {
        case frames = "frames"
        case width = "width"
        case height = "height"
        case fps = "fps"
        case durationSeconds = "duration_seconds"
        case codec = "codec"
        case pixelFormat = "pixel_format"
        case bitRate = "bit_rate"
    }
}

/// How far a worker is. At most one change a second; never backwards within an attempt.
// MARK: - EmberProgress
struct EmberProgress: Codable, Sendable {
    /// Share of the whole that is done.
    var fraction: Double
    /// Known: `encode`, `denoise`, `refine`, `decode`, `store`; there may be others.
    var stage: String
    var step: Int
    /// Some schedulers take one or two more than asked for.
    var totalSteps: Int
    /// A small WebP picture of what is there so far; of a film its middle frame.
    var preview: Data?

    enum CodingKeys: String, CodingKey {
        case fraction = "fraction"
        case stage = "stage"
        case step = "step"
        case totalSteps = "total_steps"
        case preview = "preview"
    }
}

/// Where a generation stands that waits for a worker.
// MARK: - EmberQueue
struct EmberQueue: Codable, Sendable {
    /// Generations that will be begun before this one.
    var ahead: Int
    /// Estimated seconds until it is begun; not there when nobody can know.
    var etaSeconds: Double?

    enum CodingKeys: String, CodingKey {
        case ahead = "ahead"
        case etaSeconds = "eta_seconds"
    }
}

enum EmberStatus: String, Codable, Sendable {
    case cancelled = "cancelled"
    case completed = "completed"
    case failed = "failed"
    case pending = "pending"
    case processing = "processing"
    case queued = "queued"
}

/// Seconds by stage; a stage that there was none of is not there.
// MARK: - EmberTimings
struct EmberTimings: Codable, Sendable {
    var encode: Double?
    var denoise: Double?
    var refine: Double?
    var decode: Double?
    /// Of looking at the pictures, where that is done.
    var check: Double?
    /// Of a film: from its last frame to the finished file.
    var encodeFilm: Double?
    var compress: Double?
    var upload: Double?

    enum CodingKeys: String, CodingKey {
        case encode = "encode"
        case denoise = "denoise"
        case refine = "refine"
        case decode = "decode"
        case check = "check"
        case encodeFilm = "encode_film"
        case compress = "compress"
        case upload = "upload"
    }
}
