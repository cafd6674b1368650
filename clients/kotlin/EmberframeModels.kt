// Made by `make clients` from the contract's models in shared/: change those, not this.

@file:UseSerializers(OffsetDateTimeSerializer::class)

package emberframe

import java.time.OffsetDateTime

import kotlinx.serialization.*
import kotlinx.serialization.json.*
import kotlinx.serialization.descriptors.*
import kotlinx.serialization.encoding.*

@Serializable
data class Text2ImgRequest (
    @SerialName("task_type")
    val taskType: Text2ImgRequestTaskType,

    /**
     * At most 2000 characters.
     */
    val prompt: String,

    /**
     * What is not to be seen. At most 2000 characters.
     */
    @SerialName("negative_prompt")
    val negativePrompt: String? = null,

    /**
     * Drawn at random (53 bits) when not given, and reported in the output. At least 0, at most
     * 9007199254740991.
     */
    val seed: Long? = null,

    /**
     * Denoising steps of the base model. At least 1, at most 150. Default: 25.
     */
    @SerialName("num_inference_steps")
    val numInferenceSteps: Long? = null,

    @SerialName("speed_tier")
    val speedTier: SpeedTier? = null,

    /**
     * Pixels. When not given: the input image's size, or without one the model's own (SDXL:
     * 1024). At least 64, at most 2048, a multiple of 8.
     */
    val width: Long? = null,

    /**
     * As `width`. At least 64, at most 2048, a multiple of 8.
     */
    val height: Long? = null,

    val scheduler: Scheduler? = null,

    /**
     * How closely the prompt is followed. At least 0, at most 30. Default: 7.5.
     */
    @SerialName("guidance_scale")
    val guidanceScale: Double? = null,

    /**
     * Denoising steps of the refiner, if the model has one; 0 leaves it out. At least 0, at
     * most 150. Default: 50.
     */
    @SerialName("refiner_inference_steps")
    val refinerInferenceSteps: Long? = null,

    /**
     * Share of the noise put on the input image, or on the base's picture by the refiner. At
     * least 0, at most 1. Default: 0.3.
     */
    val strength: Double? = null,

    /**
     * Share of the steps done by the base before the refiner takes over. Above 0, below 1.
     */
    @SerialName("high_noise_frac")
    val highNoiseFrac: Double? = null,

    /**
     * Not more than the deployment allows either: `parse_request` sees to that. At least 1, at
     * most 16. Default: 1.
     */
    @SerialName("num_images")
    val numImages: Long? = null,

    @SerialName("output_format")
    val outputFormat: OutputFormat? = null,

    /**
     * Under the names that the operator offers, each once; only the worker knows them. At most
     * 4.
     */
    val loras: List<Lora>? = null,

    /**
     * Read weights as in `(red)1.3` in both prompts, and all of their tokens, not 77. Default:
     * false.
     */
    @SerialName("prompt_weighting")
    val promptWeighting: Boolean? = null,

    /**
     * For endpoints without a document (RunPod); else, if given, that of the document's path.
     */
    @SerialName("user_id")
    val userID: String? = null,

    /**
     * As `user_id`: the document's id.
     */
    @SerialName("file_uid")
    val fileUid: String? = null,

    /**
     * Only for endpoints without a document; a document's files are always stored. Default:
     * false.
     */
    @SerialName("use_cloud_storage")
    val useCloudStorage: Boolean? = null
)

/**
 * One small change of the model, which the operator offers under a name, and how much of it.
 */
@Serializable
data class Lora (
    val name: String,

    /**
     * Negative turns it round; 0 is none of it. At least -2, at most 2. Default: 1.0.
     */
    val weight: Double? = null
)

/**
 * The file type of the pictures.
 */
@Serializable
enum class OutputFormat(val value: String) {
    @SerialName("jpeg") JPEG("jpeg"),
    @SerialName("png") PNG("png"),
    @SerialName("webp") Webp("webp");
}

@Serializable
enum class Scheduler(val value: String) {
    @SerialName("DPMSolverMultistep") DPMSolverMultistep("DPMSolverMultistep"),
    @SerialName("DPMSolverMultistepKarras") DPMSolverMultistepKarras("DPMSolverMultistepKarras"),
    @SerialName("DPMSolverMultistepSDEKarras") DPMSolverMultistepSDEKarras("DPMSolverMultistepSDEKarras"),
    @SerialName("DPMSolverSinglestep") DPMSolverSinglestep("DPMSolverSinglestep"),
    @SerialName("DPMSolverSinglestepKarras") DPMSolverSinglestepKarras("DPMSolverSinglestepKarras"),
    @SerialName("DDIM") Ddim("DDIM"),
    @SerialName("DEIS") Deis("DEIS"),
    @SerialName("Heun") Heun("Heun"),
    @SerialName("K_EULER") KEuler("K_EULER"),
    @SerialName("K_EULER_ANCESTRAL") KEulerAncestral("K_EULER_ANCESTRAL"),
    @SerialName("K_EULER_KARRAS") KEulerKarras("K_EULER_KARRAS"),
    @SerialName("KLMS") Klms("KLMS"),
    @SerialName("KLMS_KARRAS") KlmsKarras("KLMS_KARRAS"),
    @SerialName("PNDM") Pndm("PNDM"),
    @SerialName("UniPC") UniPC("UniPC");
}

/**
 * How a result is come by: what a tier may leave out is the contract's, not a setting's;
 * few steps need a LoRA of the operator's.
 */
@Serializable
enum class SpeedTier(val value: String) {
    @SerialName("fast") Fast("fast"),
    @SerialName("quality") Quality("quality");
}

@Serializable
enum class Text2ImgRequestTaskType(val value: String) {
    @SerialName("text2img") Text2Img("text2img");
}

@Serializable
data class Img2ImgRequest (
    @SerialName("task_type")
    val taskType: Img2ImgRequestTaskType,

    /**
     * May be absent, since an image is there. At most 2000 characters.
     */
    val prompt: String? = null,

    /**
     * The user's own file in Storage by its `gs://` or download address, a `data:image/` URL,
     * or an `https://` address of a host that the operator allows. At most 14000000 characters.
     */
    @SerialName("image_url")
    val imageURL: String,

    /**
     * What is not to be seen. At most 2000 characters.
     */
    @SerialName("negative_prompt")
    val negativePrompt: String? = null,

    /**
     * Drawn at random (53 bits) when not given, and reported in the output. At least 0, at most
     * 9007199254740991.
     */
    val seed: Long? = null,

    /**
     * Denoising steps of the base model. At least 1, at most 150. Default: 25.
     */
    @SerialName("num_inference_steps")
    val numInferenceSteps: Long? = null,

    @SerialName("speed_tier")
    val speedTier: SpeedTier? = null,

    /**
     * Pixels. When not given: the input image's size, or without one the model's own (SDXL:
     * 1024). At least 64, at most 2048, a multiple of 8.
     */
    val width: Long? = null,

    /**
     * As `width`. At least 64, at most 2048, a multiple of 8.
     */
    val height: Long? = null,

    val scheduler: Scheduler? = null,

    /**
     * How closely the prompt is followed. At least 0, at most 30. Default: 7.5.
     */
    @SerialName("guidance_scale")
    val guidanceScale: Double? = null,

    /**
     * Denoising steps of the refiner, if the model has one; 0 leaves it out. At least 0, at
     * most 150. Default: 50.
     */
    @SerialName("refiner_inference_steps")
    val refinerInferenceSteps: Long? = null,

    /**
     * Share of the noise put on the input image, or on the base's picture by the refiner. At
     * least 0, at most 1. Default: 0.3.
     */
    val strength: Double? = null,

    /**
     * Share of the steps done by the base before the refiner takes over. Above 0, below 1.
     */
    @SerialName("high_noise_frac")
    val highNoiseFrac: Double? = null,

    /**
     * Not more than the deployment allows either: `parse_request` sees to that. At least 1, at
     * most 16. Default: 1.
     */
    @SerialName("num_images")
    val numImages: Long? = null,

    @SerialName("output_format")
    val outputFormat: OutputFormat? = null,

    /**
     * Under the names that the operator offers, each once; only the worker knows them. At most
     * 4.
     */
    val loras: List<Lora>? = null,

    /**
     * Read weights as in `(red)1.3` in both prompts, and all of their tokens, not 77. Default:
     * false.
     */
    @SerialName("prompt_weighting")
    val promptWeighting: Boolean? = null,

    /**
     * For endpoints without a document (RunPod); else, if given, that of the document's path.
     */
    @SerialName("user_id")
    val userID: String? = null,

    /**
     * As `user_id`: the document's id.
     */
    @SerialName("file_uid")
    val fileUid: String? = null,

    /**
     * Only for endpoints without a document; a document's files are always stored. Default:
     * false.
     */
    @SerialName("use_cloud_storage")
    val useCloudStorage: Boolean? = null
)

@Serializable
enum class Img2ImgRequestTaskType(val value: String) {
    @SerialName("img2img") Img2Img("img2img");
}

@Serializable
data class InpaintRequest (
    @SerialName("task_type")
    val taskType: InpaintRequestTaskType,

    /**
     * At most 2000 characters.
     */
    val prompt: String? = null,

    /**
     * As that of `img2img`. At most 14000000 characters.
     */
    @SerialName("image_url")
    val imageURL: String,

    /**
     * White is painted anew, black is kept. At most 14000000 characters.
     */
    @SerialName("mask_url")
    val maskURL: String,

    /**
     * What is not to be seen. At most 2000 characters.
     */
    @SerialName("negative_prompt")
    val negativePrompt: String? = null,

    /**
     * Drawn at random (53 bits) when not given, and reported in the output. At least 0, at most
     * 9007199254740991.
     */
    val seed: Long? = null,

    /**
     * Denoising steps of the base model. At least 1, at most 150. Default: 25.
     */
    @SerialName("num_inference_steps")
    val numInferenceSteps: Long? = null,

    @SerialName("speed_tier")
    val speedTier: SpeedTier? = null,

    /**
     * Pixels. When not given: the input image's size, or without one the model's own (SDXL:
     * 1024). At least 64, at most 2048, a multiple of 8.
     */
    val width: Long? = null,

    /**
     * As `width`. At least 64, at most 2048, a multiple of 8.
     */
    val height: Long? = null,

    val scheduler: Scheduler? = null,

    /**
     * How closely the prompt is followed. At least 0, at most 30. Default: 7.5.
     */
    @SerialName("guidance_scale")
    val guidanceScale: Double? = null,

    /**
     * Denoising steps of the refiner, if the model has one; 0 leaves it out. At least 0, at
     * most 150. Default: 50.
     */
    @SerialName("refiner_inference_steps")
    val refinerInferenceSteps: Long? = null,

    /**
     * Share of the noise put on the input image, or on the base's picture by the refiner. At
     * least 0, at most 1. Default: 0.3.
     */
    val strength: Double? = null,

    /**
     * Share of the steps done by the base before the refiner takes over. Above 0, below 1.
     */
    @SerialName("high_noise_frac")
    val highNoiseFrac: Double? = null,

    /**
     * Not more than the deployment allows either: `parse_request` sees to that. At least 1, at
     * most 16. Default: 1.
     */
    @SerialName("num_images")
    val numImages: Long? = null,

    @SerialName("output_format")
    val outputFormat: OutputFormat? = null,

    /**
     * Under the names that the operator offers, each once; only the worker knows them. At most
     * 4.
     */
    val loras: List<Lora>? = null,

    /**
     * Read weights as in `(red)1.3` in both prompts, and all of their tokens, not 77. Default:
     * false.
     */
    @SerialName("prompt_weighting")
    val promptWeighting: Boolean? = null,

    /**
     * For endpoints without a document (RunPod); else, if given, that of the document's path.
     */
    @SerialName("user_id")
    val userID: String? = null,

    /**
     * As `user_id`: the document's id.
     */
    @SerialName("file_uid")
    val fileUid: String? = null,

    /**
     * Only for endpoints without a document; a document's files are always stored. Default:
     * false.
     */
    @SerialName("use_cloud_storage")
    val useCloudStorage: Boolean? = null
)

@Serializable
enum class InpaintRequestTaskType(val value: String) {
    @SerialName("inpaint") Inpaint("inpaint");
}

@Serializable
data class Text2VideoRequest (
    @SerialName("task_type")
    val taskType: Text2VideoRequestTaskType,

    /**
     * At most 2000 characters.
     */
    val prompt: String,

    /**
     * What is not to be seen. At most 2000 characters.
     */
    @SerialName("negative_prompt")
    val negativePrompt: String? = null,

    /**
     * Drawn at random (53 bits) when not given, and reported in the output. At least 0, at most
     * 9007199254740991.
     */
    val seed: Long? = null,

    /**
     * Denoising steps of the base model. At least 1, at most 150. Default: 25.
     */
    @SerialName("num_inference_steps")
    val numInferenceSteps: Long? = null,

    @SerialName("speed_tier")
    val speedTier: SpeedTier? = null,

    /**
     * Pixels. Width × height is 832×480, 480×832, 1280×720 or 720×1280 (VIDEO_SIZES). Default:
     * 480.
     */
    @SerialName("video_height")
    val videoHeight: Long? = null,

    /**
     * As `video_height`. Default: 832.
     */
    @SerialName("video_width")
    val videoWidth: Long? = null,

    /**
     * Wan makes 4k + 1 frames; others are rounded up to that. At least 16, at most 81. Default:
     * 81.
     */
    @SerialName("num_frames")
    val numFrames: Long? = null,

    /**
     * How closely the prompt is followed. At least 1, at most 20. Default: 5.0.
     */
    @SerialName("video_guidance_scale")
    val videoGuidanceScale: Double? = null,

    /**
     * Frames a second. At least 6, at most 30. Default: 15.
     */
    val fps: Long? = null,

    /**
     * For endpoints without a document (RunPod); else, if given, that of the document's path.
     */
    @SerialName("user_id")
    val userID: String? = null,

    /**
     * As `user_id`: the document's id.
     */
    @SerialName("file_uid")
    val fileUid: String? = null,

    /**
     * Only for endpoints without a document; a document's files are always stored. Default:
     * false.
     */
    @SerialName("use_cloud_storage")
    val useCloudStorage: Boolean? = null
)

@Serializable
enum class Text2VideoRequestTaskType(val value: String) {
    @SerialName("text2video") Text2Video("text2video");
}

/**
 * One generation: the document `users/{uid}/generations/{id}`.
 */
@Serializable
data class Generation (
    /**
     * The request as it was written. Never changes, but one that is too big is emptied at the
     * end.
     */
    val input: JsonObject,

    val status: Status,

    @SerialName("created_at")
    val createdAt: OffsetDateTime,

    val kind: Kind? = null,

    /**
     * The owner wants it to end.
     */
    @SerialName("cancel_requested")
    val cancelRequested: Boolean? = null,

    val queue: Queue? = null,
    val progress: Progress? = null,
    val output: Output? = null,
    val error: Failure? = null,

    /**
     * Attempts so far that were not given back on purpose.
     */
    val attempt: Long? = null,

    /**
     * When it was accepted.
     */
    @SerialName("queued_at")
    val queuedAt: OffsetDateTime? = null,

    /**
     * When the latest attempt began.
     */
    @SerialName("started_at")
    val startedAt: OffsetDateTime? = null,

    @SerialName("completed_at")
    val completedAt: OffsetDateTime? = null,

    @SerialName("updated_at")
    val updatedAt: OffsetDateTime? = null,

    /**
     * The earliest time of the next attempt, after one that failed.
     */
    @SerialName("not_before")
    val notBefore: OffsetDateTime? = null,

    /**
     * When it will be removed, where the operator lets generations expire.
     */
    @SerialName("expire_at")
    val expireAt: OffsetDateTime? = null,

    val timings: Timings? = null,
    val cost: Cost? = null,
    val charge: CreditCharge? = null,
    val lease: HeldLease? = null,
    val dispatch: DispatchedJob? = null,

    /**
     * Its end is told to its owner's devices, where the operator has notifications.
     */
    val notify: Boolean? = null,

    /**
     * When the server looks whether a message about it was lost.
     */
    @SerialName("sweep_after")
    val sweepAfter: OffsetDateTime? = null
)

/**
 * What it costs its owner; not there where the operator has no quotas.
 */
@Serializable
data class CreditCharge (
    val credits: Long,

    /**
     * The day (UTC) that they count for, as `2026-11-23`.
     */
    val day: String,

    /**
     * Known: `reserved`, `spent`, `refunded`; there may be others.
     */
    val state: String
)

/**
 * What it took.
 */
@Serializable
data class Cost (
    /**
     * How long the model worked on it.
     */
    @SerialName("gpu_seconds")
    val gpuSeconds: Double
)

/**
 * The last job that it was handed to, where the operator has RunPod start workers for it.
 */
@Serializable
data class DispatchedJob (
    val endpoint: String,

    @SerialName("job_id")
    val jobID: String,

    val at: OffsetDateTime,

    /**
     * The lease's then.
     */
    val token: Long
)

/**
 * Why it failed, or, while it waits for another try, why the last one did.
 */
@Serializable
data class Failure (
    /**
     * For the program. Known: `invalid_input`, `content_rejected`, `quota_exceeded`,
     * `unsupported_task`, `input_unavailable`, `out_of_memory`, `engine_crashed`,
     * `worker_lost`, `timed_out`, `service_unavailable`, `attempts_exhausted`, `internal`;
     * there may be others.
     */
    val code: String,

    /**
     * For the person, in English.
     */
    val message: String,

    /**
     * The server tries these again by itself, three times at most.
     */
    val retryable: Boolean,

    val quota: Quota? = null
)

/**
 * What was too much: credits, or of `concurrent` generations.
 */
@Serializable
data class Quota (
    /**
     * Known: `daily_credits`, `concurrent`; there may be others.
     */
    val limit: String,

    val allowed: Long,

    /**
     * Above `allowed`, the request never fits.
     */
    val needed: Long,

    val left: Long,

    /**
     * When there are new credits; not there for `concurrent`.
     */
    @SerialName("renews_at")
    val renewsAt: OffsetDateTime? = null
)

@Serializable
enum class Kind(val value: String) {
    @SerialName("image") Image("image"),
    @SerialName("video") Video("video");
}

/**
 * Who works on it: the server's own book-keeping.
 */
@Serializable
data class HeldLease (
    val token: Long,

    @SerialName("worker_id")
    val workerID: String? = null,

    @SerialName("expires_at")
    val expiresAt: OffsetDateTime? = null
)

/**
 * Of pictures or of a film, whose fields are optional therefore.
 */
@Serializable
data class Output (
    /**
     * That of the first picture, or of the film.
     */
    val seed: Long,

    val model: String,

    @SerialName("native_size")
    val nativeSize: Size,

    /**
     * Whether the end of a prompt was left out, because the model reads only so much.
     */
    @SerialName("prompt_truncated")
    val promptTruncated: Boolean,

    @SerialName("speed_tier")
    val speedTier: SpeedTier? = null,

    /**
     * The first of `images`.
     */
    @SerialName("image_url")
    val imageURL: String? = null,

    val images: List<String>? = null,
    val files: List<StoredFile>,

    /**
     * Whether the refiner took part.
     */
    val refiner: Boolean? = null,

    /**
     * Those asked for, where there were any.
     */
    val loras: List<Lora>? = null,

    @SerialName("few_steps")
    val fewSteps: FewSteps? = null,

    @SerialName("video_url")
    val videoURL: String? = null,

    val videos: List<String>? = null,

    @SerialName("video_info")
    val videoInfo: VideoInfo? = null,

    /**
     * Frames that the model drew, before they were stretched to what was asked.
     */
    @SerialName("native_frames")
    val nativeFrames: Long? = null,

    /**
     * What `num_frames` was, where it was rounded.
     */
    @SerialName("requested_frames")
    val requestedFrames: Long? = null
)

/**
 * How a picture was drawn by a LoRA for few steps, in the place of what the request says.
 */
@Serializable
data class FewSteps (
    val lora: String,
    val weight: Double,

    @SerialName("num_inference_steps")
    val numInferenceSteps: Long,

    @SerialName("guidance_scale")
    val guidanceScale: Double,

    /**
     * `euler_trailing`, `ddim_trailing` or `lcm`.
     */
    val sampler: String
)

/**
 * One picture or film in Firebase Storage. Whoever has one of the addresses can read it.
 */
@Serializable
data class StoredFile (
    val url: String,

    /**
     * At most 256 pixels a side.
     */
    @SerialName("thumbnail_url")
    val thumbnailURL: String,

    /**
     * A placeholder of some 25 bytes as base64, to show until the picture is there.
     */
    val thumbhash: String,

    @SerialName("storage_path")
    val storagePath: String,

    @SerialName("content_type")
    val contentType: String,

    @SerialName("size_bytes")
    val sizeBytes: Long,

    val width: Long,
    val height: Long,
    val seed: Long,

    @SerialName("duration_seconds")
    val durationSeconds: Double? = null,

    /**
     * The first frame in full size.
     */
    @SerialName("poster_url")
    val posterURL: String? = null,

    /**
     * A small animated WebP, where the operator wants those.
     */
    @SerialName("preview_url")
    val previewURL: String? = null
)

/**
 * Pixels.
 */
@Serializable
data class Size (
    val width: Long,
    val height: Long
)

/**
 * Measured from the file.
 */
@Serializable
data class VideoInfo (
    val frames: Long,
    val width: Long,
    val height: Long,
    val fps: Double,

    @SerialName("duration_seconds")
    val durationSeconds: Double,

    val codec: String,

    @SerialName("pixel_format")
    val pixelFormat: String,

    /**
     * Bits a second.
     */
    @SerialName("bit_rate")
    val bitRate: Long
)

/**
 * How far a worker is. At most one change a second; never backwards within an attempt.
 */
@Serializable
data class Progress (
    /**
     * Share of the whole that is done.
     */
    val fraction: Double,

    /**
     * Known: `encode`, `denoise`, `refine`, `decode`, `store`; there may be others.
     */
    val stage: String,

    val step: Long,

    /**
     * Some schedulers take one or two more than asked for.
     */
    @SerialName("total_steps")
    val totalSteps: Long,

    /**
     * A small WebP picture of what is there so far; of a film its middle frame.
     */
    val preview: String? = null
)

/**
 * Where a generation stands that waits for a worker.
 */
@Serializable
data class Queue (
    /**
     * Generations that will be begun before this one.
     */
    val ahead: Long,

    /**
     * Estimated seconds until it is begun; not there when nobody can know.
     */
    @SerialName("eta_seconds")
    val etaSeconds: Double? = null
)

@Serializable
enum class Status(val value: String) {
    @SerialName("cancelled") Cancelled("cancelled"),
    @SerialName("completed") Completed("completed"),
    @SerialName("failed") Failed("failed"),
    @SerialName("pending") Pending("pending"),
    @SerialName("processing") Processing("processing"),
    @SerialName("queued") Queued("queued");
}

/**
 * Seconds by stage; a stage that there was none of is not there.
 */
@Serializable
data class Timings (
    val encode: Double? = null,
    val denoise: Double? = null,
    val refine: Double? = null,
    val decode: Double? = null,

    /**
     * Of looking at the pictures, where that is done.
     */
    val check: Double? = null,

    /**
     * Of a film: from its last frame to the finished file.
     */
    @SerialName("encode_film")
    val encodeFilm: Double? = null,

    val compress: Double? = null,
    val upload: Double? = null
)

object OffsetDateTimeSerializer : KSerializer<OffsetDateTime> {
    override val descriptor: SerialDescriptor = PrimitiveSerialDescriptor("OffsetDateTime", PrimitiveKind.STRING)
    override fun deserialize(decoder: Decoder): OffsetDateTime = OffsetDateTime.parse(decoder.decodeString())
    override fun serialize(encoder: Encoder, value: OffsetDateTime) {
        encoder.encodeString(java.time.format.DateTimeFormatter.ISO_OFFSET_DATE_TIME.format(value))
    }
}
