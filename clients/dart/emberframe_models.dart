// Made by `make clients` from the contract's models in shared/: change those, not this.

import 'dart:convert';

class Text2ImgRequest {
    final Text2ImgRequestTaskType taskType;
    
    ///At most 2000 characters.
    final String prompt;
    
    ///What is not to be seen. At most 2000 characters.
    final String? negativePrompt;
    
    ///Drawn at random (53 bits) when not given, and reported in the output. At least 0, at most
    ///9007199254740991.
    final int? seed;
    
    ///Denoising steps of the base model. At least 1, at most 150. Default: 25.
    final int? numInferenceSteps;
    final SpeedTier? speedTier;
    
    ///Pixels. When not given: the input image's size, or without one the model's own (SDXL:
    ///1024). At least 64, at most 2048, a multiple of 8.
    final int? width;
    
    ///As `width`. At least 64, at most 2048, a multiple of 8.
    final int? height;
    final Scheduler? scheduler;
    
    ///How closely the prompt is followed. At least 0, at most 30. Default: 7.5.
    final double? guidanceScale;
    
    ///Denoising steps of the refiner, if the model has one; 0 leaves it out. At least 0, at
    ///most 150. Default: 50.
    final int? refinerInferenceSteps;
    
    ///Share of the noise put on the input image, or on the base's picture by the refiner. At
    ///least 0, at most 1. Default: 0.3.
    final double? strength;
    
    ///Share of the steps done by the base before the refiner takes over. Above 0, below 1.
    final double? highNoiseFrac;
    
    ///Not more than the deployment allows either: `parse_request` sees to that. At least 1, at
    ///most 16. Default: 1.
    final int? numImages;
    final OutputFormat? outputFormat;
    
    ///Under the names that the operator offers, each once; only the worker knows them. At most
    ///4.
    final List<Lora>? loras;
    
    ///Read weights as in `(red)1.3` in both prompts, and all of their tokens, not 77. Default:
    ///false.
    final bool? promptWeighting;
    
    ///For endpoints without a document (RunPod); else, if given, that of the document's path.
    final String? userId;
    
    ///As `user_id`: the document's id.
    final String? fileUid;
    
    ///Only for endpoints without a document; a document's files are always stored. Default:
    ///false.
    final bool? useCloudStorage;

    Text2ImgRequest({
        required this.taskType,
        required this.prompt,
        this.negativePrompt,
        this.seed,
        this.numInferenceSteps,
        this.speedTier,
        this.width,
        this.height,
        this.scheduler,
        this.guidanceScale,
        this.refinerInferenceSteps,
        this.strength,
        this.highNoiseFrac,
        this.numImages,
        this.outputFormat,
        this.loras,
        this.promptWeighting,
        this.userId,
        this.fileUid,
        this.useCloudStorage,
    });

    factory Text2ImgRequest.fromRawJson(String str) => Text2ImgRequest.fromJson(json.decode(str));

    String toRawJson() => json.encode(toJson());

    factory Text2ImgRequest.fromJson(Map<String, dynamic> json) => Text2ImgRequest(
        taskType: text2ImgRequestTaskTypeValues.map[json["task_type"]]!,
        prompt: json["prompt"],
        negativePrompt: json["negative_prompt"],
        seed: json["seed"],
        numInferenceSteps: json["num_inference_steps"],
        speedTier: speedTierValues.map[json["speed_tier"]],
        width: json["width"],
        height: json["height"],
        scheduler: schedulerValues.map[json["scheduler"]],
        guidanceScale: json["guidance_scale"]?.toDouble(),
        refinerInferenceSteps: json["refiner_inference_steps"],
        strength: json["strength"]?.toDouble(),
        highNoiseFrac: json["high_noise_frac"]?.toDouble(),
        numImages: json["num_images"],
        outputFormat: outputFormatValues.map[json["output_format"]],
        loras: json["loras"] == null ? [] : List<Lora>.from(json["loras"]!.map((x) => Lora.fromJson(x))),
        promptWeighting: json["prompt_weighting"],
        userId: json["user_id"],
        fileUid: json["file_uid"],
        useCloudStorage: json["use_cloud_storage"],
    );

    Map<String, dynamic> toJson() => {
        "task_type": text2ImgRequestTaskTypeValues.reverse[taskType],
        "prompt": prompt,
        "negative_prompt": negativePrompt,
        "seed": seed,
        "num_inference_steps": numInferenceSteps,
        "speed_tier": speedTierValues.reverse[speedTier],
        "width": width,
        "height": height,
        "scheduler": schedulerValues.reverse[scheduler],
        "guidance_scale": guidanceScale,
        "refiner_inference_steps": refinerInferenceSteps,
        "strength": strength,
        "high_noise_frac": highNoiseFrac,
        "num_images": numImages,
        "output_format": outputFormatValues.reverse[outputFormat],
        "loras": loras == null ? [] : List<dynamic>.from(loras!.map((x) => x.toJson())),
        "prompt_weighting": promptWeighting,
        "user_id": userId,
        "file_uid": fileUid,
        "use_cloud_storage": useCloudStorage,
    };
}


///One small change of the model, which the operator offers under a name, and how much of it.
class Lora {
    final String name;
    
    ///Negative turns it round; 0 is none of it. At least -2, at most 2. Default: 1.0.
    final double? weight;

    Lora({
        required this.name,
        this.weight,
    });

    factory Lora.fromRawJson(String str) => Lora.fromJson(json.decode(str));

    String toRawJson() => json.encode(toJson());

    factory Lora.fromJson(Map<String, dynamic> json) => Lora(
        name: json["name"],
        weight: json["weight"]?.toDouble(),
    );

    Map<String, dynamic> toJson() => {
        "name": name,
        "weight": weight,
    };
}


///The file type of the pictures.
enum OutputFormat {
    JPEG,
    PNG,
    WEBP
}

final outputFormatValues = EnumValues({
    "jpeg": OutputFormat.JPEG,
    "png": OutputFormat.PNG,
    "webp": OutputFormat.WEBP
});

enum Scheduler {
    DDIM,
    DEIS,
    DPM_SOLVER_MULTISTEP,
    DPM_SOLVER_MULTISTEP_KARRAS,
    DPM_SOLVER_MULTISTEP_SDE_KARRAS,
    DPM_SOLVER_SINGLESTEP,
    DPM_SOLVER_SINGLESTEP_KARRAS,
    HEUN,
    KLMS,
    KLMS_KARRAS,
    K_EULER,
    K_EULER_ANCESTRAL,
    K_EULER_KARRAS,
    PNDM,
    UNI_PC
}

final schedulerValues = EnumValues({
    "DDIM": Scheduler.DDIM,
    "DEIS": Scheduler.DEIS,
    "DPMSolverMultistep": Scheduler.DPM_SOLVER_MULTISTEP,
    "DPMSolverMultistepKarras": Scheduler.DPM_SOLVER_MULTISTEP_KARRAS,
    "DPMSolverMultistepSDEKarras": Scheduler.DPM_SOLVER_MULTISTEP_SDE_KARRAS,
    "DPMSolverSinglestep": Scheduler.DPM_SOLVER_SINGLESTEP,
    "DPMSolverSinglestepKarras": Scheduler.DPM_SOLVER_SINGLESTEP_KARRAS,
    "Heun": Scheduler.HEUN,
    "KLMS": Scheduler.KLMS,
    "KLMS_KARRAS": Scheduler.KLMS_KARRAS,
    "K_EULER": Scheduler.K_EULER,
    "K_EULER_ANCESTRAL": Scheduler.K_EULER_ANCESTRAL,
    "K_EULER_KARRAS": Scheduler.K_EULER_KARRAS,
    "PNDM": Scheduler.PNDM,
    "UniPC": Scheduler.UNI_PC
});


///How a result is come by: what a tier may leave out is the contract's, not a setting's;
///few steps need a LoRA of the operator's.
enum SpeedTier {
    FAST,
    QUALITY
}

final speedTierValues = EnumValues({
    "fast": SpeedTier.FAST,
    "quality": SpeedTier.QUALITY
});

enum Text2ImgRequestTaskType {
    TEXT2_IMG
}

final text2ImgRequestTaskTypeValues = EnumValues({
    "text2img": Text2ImgRequestTaskType.TEXT2_IMG
});

class Img2ImgRequest {
    final Img2ImgRequestTaskType taskType;
    
    ///May be absent, since an image is there. At most 2000 characters.
    final String? prompt;
    
    ///The user's own file in Storage by its `gs://` or download address, a `data:image/` URL,
    ///or an `https://` address of a host that the operator allows. At most 14000000 characters.
    final String imageUrl;
    
    ///What is not to be seen. At most 2000 characters.
    final String? negativePrompt;
    
    ///Drawn at random (53 bits) when not given, and reported in the output. At least 0, at most
    ///9007199254740991.
    final int? seed;
    
    ///Denoising steps of the base model. At least 1, at most 150. Default: 25.
    final int? numInferenceSteps;
    final SpeedTier? speedTier;
    
    ///Pixels. When not given: the input image's size, or without one the model's own (SDXL:
    ///1024). At least 64, at most 2048, a multiple of 8.
    final int? width;
    
    ///As `width`. At least 64, at most 2048, a multiple of 8.
    final int? height;
    final Scheduler? scheduler;
    
    ///How closely the prompt is followed. At least 0, at most 30. Default: 7.5.
    final double? guidanceScale;
    
    ///Denoising steps of the refiner, if the model has one; 0 leaves it out. At least 0, at
    ///most 150. Default: 50.
    final int? refinerInferenceSteps;
    
    ///Share of the noise put on the input image, or on the base's picture by the refiner. At
    ///least 0, at most 1. Default: 0.3.
    final double? strength;
    
    ///Share of the steps done by the base before the refiner takes over. Above 0, below 1.
    final double? highNoiseFrac;
    
    ///Not more than the deployment allows either: `parse_request` sees to that. At least 1, at
    ///most 16. Default: 1.
    final int? numImages;
    final OutputFormat? outputFormat;
    
    ///Under the names that the operator offers, each once; only the worker knows them. At most
    ///4.
    final List<Lora>? loras;
    
    ///Read weights as in `(red)1.3` in both prompts, and all of their tokens, not 77. Default:
    ///false.
    final bool? promptWeighting;
    
    ///For endpoints without a document (RunPod); else, if given, that of the document's path.
    final String? userId;
    
    ///As `user_id`: the document's id.
    final String? fileUid;
    
    ///Only for endpoints without a document; a document's files are always stored. Default:
    ///false.
    final bool? useCloudStorage;

    Img2ImgRequest({
        required this.taskType,
        this.prompt,
        required this.imageUrl,
        this.negativePrompt,
        this.seed,
        this.numInferenceSteps,
        this.speedTier,
        this.width,
        this.height,
        this.scheduler,
        this.guidanceScale,
        this.refinerInferenceSteps,
        this.strength,
        this.highNoiseFrac,
        this.numImages,
        this.outputFormat,
        this.loras,
        this.promptWeighting,
        this.userId,
        this.fileUid,
        this.useCloudStorage,
    });

    factory Img2ImgRequest.fromRawJson(String str) => Img2ImgRequest.fromJson(json.decode(str));

    String toRawJson() => json.encode(toJson());

    factory Img2ImgRequest.fromJson(Map<String, dynamic> json) => Img2ImgRequest(
        taskType: img2ImgRequestTaskTypeValues.map[json["task_type"]]!,
        prompt: json["prompt"],
        imageUrl: json["image_url"],
        negativePrompt: json["negative_prompt"],
        seed: json["seed"],
        numInferenceSteps: json["num_inference_steps"],
        speedTier: speedTierValues.map[json["speed_tier"]],
        width: json["width"],
        height: json["height"],
        scheduler: schedulerValues.map[json["scheduler"]],
        guidanceScale: json["guidance_scale"]?.toDouble(),
        refinerInferenceSteps: json["refiner_inference_steps"],
        strength: json["strength"]?.toDouble(),
        highNoiseFrac: json["high_noise_frac"]?.toDouble(),
        numImages: json["num_images"],
        outputFormat: outputFormatValues.map[json["output_format"]],
        loras: json["loras"] == null ? [] : List<Lora>.from(json["loras"]!.map((x) => Lora.fromJson(x))),
        promptWeighting: json["prompt_weighting"],
        userId: json["user_id"],
        fileUid: json["file_uid"],
        useCloudStorage: json["use_cloud_storage"],
    );

    Map<String, dynamic> toJson() => {
        "task_type": img2ImgRequestTaskTypeValues.reverse[taskType],
        "prompt": prompt,
        "image_url": imageUrl,
        "negative_prompt": negativePrompt,
        "seed": seed,
        "num_inference_steps": numInferenceSteps,
        "speed_tier": speedTierValues.reverse[speedTier],
        "width": width,
        "height": height,
        "scheduler": schedulerValues.reverse[scheduler],
        "guidance_scale": guidanceScale,
        "refiner_inference_steps": refinerInferenceSteps,
        "strength": strength,
        "high_noise_frac": highNoiseFrac,
        "num_images": numImages,
        "output_format": outputFormatValues.reverse[outputFormat],
        "loras": loras == null ? [] : List<dynamic>.from(loras!.map((x) => x.toJson())),
        "prompt_weighting": promptWeighting,
        "user_id": userId,
        "file_uid": fileUid,
        "use_cloud_storage": useCloudStorage,
    };
}

enum Img2ImgRequestTaskType {
    IMG2_IMG
}

final img2ImgRequestTaskTypeValues = EnumValues({
    "img2img": Img2ImgRequestTaskType.IMG2_IMG
});

class InpaintRequest {
    final InpaintRequestTaskType taskType;
    
    ///At most 2000 characters.
    final String? prompt;
    
    ///As that of `img2img`. At most 14000000 characters.
    final String imageUrl;
    
    ///White is painted anew, black is kept. At most 14000000 characters.
    final String maskUrl;
    
    ///What is not to be seen. At most 2000 characters.
    final String? negativePrompt;
    
    ///Drawn at random (53 bits) when not given, and reported in the output. At least 0, at most
    ///9007199254740991.
    final int? seed;
    
    ///Denoising steps of the base model. At least 1, at most 150. Default: 25.
    final int? numInferenceSteps;
    final SpeedTier? speedTier;
    
    ///Pixels. When not given: the input image's size, or without one the model's own (SDXL:
    ///1024). At least 64, at most 2048, a multiple of 8.
    final int? width;
    
    ///As `width`. At least 64, at most 2048, a multiple of 8.
    final int? height;
    final Scheduler? scheduler;
    
    ///How closely the prompt is followed. At least 0, at most 30. Default: 7.5.
    final double? guidanceScale;
    
    ///Denoising steps of the refiner, if the model has one; 0 leaves it out. At least 0, at
    ///most 150. Default: 50.
    final int? refinerInferenceSteps;
    
    ///Share of the noise put on the input image, or on the base's picture by the refiner. At
    ///least 0, at most 1. Default: 0.3.
    final double? strength;
    
    ///Share of the steps done by the base before the refiner takes over. Above 0, below 1.
    final double? highNoiseFrac;
    
    ///Not more than the deployment allows either: `parse_request` sees to that. At least 1, at
    ///most 16. Default: 1.
    final int? numImages;
    final OutputFormat? outputFormat;
    
    ///Under the names that the operator offers, each once; only the worker knows them. At most
    ///4.
    final List<Lora>? loras;
    
    ///Read weights as in `(red)1.3` in both prompts, and all of their tokens, not 77. Default:
    ///false.
    final bool? promptWeighting;
    
    ///For endpoints without a document (RunPod); else, if given, that of the document's path.
    final String? userId;
    
    ///As `user_id`: the document's id.
    final String? fileUid;
    
    ///Only for endpoints without a document; a document's files are always stored. Default:
    ///false.
    final bool? useCloudStorage;

    InpaintRequest({
        required this.taskType,
        this.prompt,
        required this.imageUrl,
        required this.maskUrl,
        this.negativePrompt,
        this.seed,
        this.numInferenceSteps,
        this.speedTier,
        this.width,
        this.height,
        this.scheduler,
        this.guidanceScale,
        this.refinerInferenceSteps,
        this.strength,
        this.highNoiseFrac,
        this.numImages,
        this.outputFormat,
        this.loras,
        this.promptWeighting,
        this.userId,
        this.fileUid,
        this.useCloudStorage,
    });

    factory InpaintRequest.fromRawJson(String str) => InpaintRequest.fromJson(json.decode(str));

    String toRawJson() => json.encode(toJson());

    factory InpaintRequest.fromJson(Map<String, dynamic> json) => InpaintRequest(
        taskType: inpaintRequestTaskTypeValues.map[json["task_type"]]!,
        prompt: json["prompt"],
        imageUrl: json["image_url"],
        maskUrl: json["mask_url"],
        negativePrompt: json["negative_prompt"],
        seed: json["seed"],
        numInferenceSteps: json["num_inference_steps"],
        speedTier: speedTierValues.map[json["speed_tier"]],
        width: json["width"],
        height: json["height"],
        scheduler: schedulerValues.map[json["scheduler"]],
        guidanceScale: json["guidance_scale"]?.toDouble(),
        refinerInferenceSteps: json["refiner_inference_steps"],
        strength: json["strength"]?.toDouble(),
        highNoiseFrac: json["high_noise_frac"]?.toDouble(),
        numImages: json["num_images"],
        outputFormat: outputFormatValues.map[json["output_format"]],
        loras: json["loras"] == null ? [] : List<Lora>.from(json["loras"]!.map((x) => Lora.fromJson(x))),
        promptWeighting: json["prompt_weighting"],
        userId: json["user_id"],
        fileUid: json["file_uid"],
        useCloudStorage: json["use_cloud_storage"],
    );

    Map<String, dynamic> toJson() => {
        "task_type": inpaintRequestTaskTypeValues.reverse[taskType],
        "prompt": prompt,
        "image_url": imageUrl,
        "mask_url": maskUrl,
        "negative_prompt": negativePrompt,
        "seed": seed,
        "num_inference_steps": numInferenceSteps,
        "speed_tier": speedTierValues.reverse[speedTier],
        "width": width,
        "height": height,
        "scheduler": schedulerValues.reverse[scheduler],
        "guidance_scale": guidanceScale,
        "refiner_inference_steps": refinerInferenceSteps,
        "strength": strength,
        "high_noise_frac": highNoiseFrac,
        "num_images": numImages,
        "output_format": outputFormatValues.reverse[outputFormat],
        "loras": loras == null ? [] : List<dynamic>.from(loras!.map((x) => x.toJson())),
        "prompt_weighting": promptWeighting,
        "user_id": userId,
        "file_uid": fileUid,
        "use_cloud_storage": useCloudStorage,
    };
}

enum InpaintRequestTaskType {
    INPAINT
}

final inpaintRequestTaskTypeValues = EnumValues({
    "inpaint": InpaintRequestTaskType.INPAINT
});

class Text2VideoRequest {
    final Text2VideoRequestTaskType taskType;
    
    ///At most 2000 characters.
    final String prompt;
    
    ///What is not to be seen. At most 2000 characters.
    final String? negativePrompt;
    
    ///Drawn at random (53 bits) when not given, and reported in the output. At least 0, at most
    ///9007199254740991.
    final int? seed;
    
    ///Denoising steps of the base model. At least 1, at most 150. Default: 25.
    final int? numInferenceSteps;
    final SpeedTier? speedTier;
    
    ///Pixels. Width × height is 832×480, 480×832, 1280×720 or 720×1280 (VIDEO_SIZES). Default:
    ///480.
    final int? videoHeight;
    
    ///As `video_height`. Default: 832.
    final int? videoWidth;
    
    ///Wan makes 4k + 1 frames; others are rounded up to that. At least 16, at most 81. Default:
    ///81.
    final int? numFrames;
    
    ///How closely the prompt is followed. At least 1, at most 20. Default: 5.0.
    final double? videoGuidanceScale;
    
    ///Frames a second. At least 6, at most 30. Default: 15.
    final int? fps;
    
    ///For endpoints without a document (RunPod); else, if given, that of the document's path.
    final String? userId;
    
    ///As `user_id`: the document's id.
    final String? fileUid;
    
    ///Only for endpoints without a document; a document's files are always stored. Default:
    ///false.
    final bool? useCloudStorage;

    Text2VideoRequest({
        required this.taskType,
        required this.prompt,
        this.negativePrompt,
        this.seed,
        this.numInferenceSteps,
        this.speedTier,
        this.videoHeight,
        this.videoWidth,
        this.numFrames,
        this.videoGuidanceScale,
        this.fps,
        this.userId,
        this.fileUid,
        this.useCloudStorage,
    });

    factory Text2VideoRequest.fromRawJson(String str) => Text2VideoRequest.fromJson(json.decode(str));

    String toRawJson() => json.encode(toJson());

    factory Text2VideoRequest.fromJson(Map<String, dynamic> json) => Text2VideoRequest(
        taskType: text2VideoRequestTaskTypeValues.map[json["task_type"]]!,
        prompt: json["prompt"],
        negativePrompt: json["negative_prompt"],
        seed: json["seed"],
        numInferenceSteps: json["num_inference_steps"],
        speedTier: speedTierValues.map[json["speed_tier"]],
        videoHeight: json["video_height"],
        videoWidth: json["video_width"],
        numFrames: json["num_frames"],
        videoGuidanceScale: json["video_guidance_scale"]?.toDouble(),
        fps: json["fps"],
        userId: json["user_id"],
        fileUid: json["file_uid"],
        useCloudStorage: json["use_cloud_storage"],
    );

    Map<String, dynamic> toJson() => {
        "task_type": text2VideoRequestTaskTypeValues.reverse[taskType],
        "prompt": prompt,
        "negative_prompt": negativePrompt,
        "seed": seed,
        "num_inference_steps": numInferenceSteps,
        "speed_tier": speedTierValues.reverse[speedTier],
        "video_height": videoHeight,
        "video_width": videoWidth,
        "num_frames": numFrames,
        "video_guidance_scale": videoGuidanceScale,
        "fps": fps,
        "user_id": userId,
        "file_uid": fileUid,
        "use_cloud_storage": useCloudStorage,
    };
}

enum Text2VideoRequestTaskType {
    TEXT2_VIDEO
}

final text2VideoRequestTaskTypeValues = EnumValues({
    "text2video": Text2VideoRequestTaskType.TEXT2_VIDEO
});


///One generation: the document `users/{uid}/generations/{id}`.
class Generation {
    
    ///The request as it was written. Never changes, but one that is too big is emptied at the
    ///end.
    final Map<String, dynamic> input;
    final Status status;
    final DateTime createdAt;
    final Kind? kind;
    
    ///The owner wants it to end.
    final bool? cancelRequested;
    final Queue? queue;
    final Progress? progress;
    final Output? output;
    final Failure? error;
    
    ///Attempts so far that were not given back on purpose.
    final int? attempt;
    
    ///When it was accepted.
    final DateTime? queuedAt;
    
    ///When the latest attempt began.
    final DateTime? startedAt;
    final DateTime? completedAt;
    final DateTime? updatedAt;
    
    ///The earliest time of the next attempt, after one that failed.
    final DateTime? notBefore;
    
    ///When it will be removed, where the operator lets generations expire.
    final DateTime? expireAt;
    final Timings? timings;
    final Cost? cost;
    final CreditCharge? charge;
    final HeldLease? lease;
    final DispatchedJob? dispatch;
    
    ///Its end is told to its owner's devices, where the operator has notifications.
    final bool? notify;
    
    ///When the server looks whether a message about it was lost.
    final DateTime? sweepAfter;

    Generation({
        required this.input,
        required this.status,
        required this.createdAt,
        this.kind,
        this.cancelRequested,
        this.queue,
        this.progress,
        this.output,
        this.error,
        this.attempt,
        this.queuedAt,
        this.startedAt,
        this.completedAt,
        this.updatedAt,
        this.notBefore,
        this.expireAt,
        this.timings,
        this.cost,
        this.charge,
        this.lease,
        this.dispatch,
        this.notify,
        this.sweepAfter,
    });

    factory Generation.fromRawJson(String str) => Generation.fromJson(json.decode(str));

    String toRawJson() => json.encode(toJson());

    factory Generation.fromJson(Map<String, dynamic> json) => Generation(
        input: Map.from(json["input"]).map((k, v) => MapEntry<String, dynamic>(k, v)),
        status: statusValues.map[json["status"]]!,
        createdAt: DateTime.parse(json["created_at"]),
        kind: kindValues.map[json["kind"]],
        cancelRequested: json["cancel_requested"],
        queue: json["queue"] == null ? null : Queue.fromJson(json["queue"]),
        progress: json["progress"] == null ? null : Progress.fromJson(json["progress"]),
        output: json["output"] == null ? null : Output.fromJson(json["output"]),
        error: json["error"] == null ? null : Failure.fromJson(json["error"]),
        attempt: json["attempt"],
        queuedAt: json["queued_at"] == null ? null : DateTime.parse(json["queued_at"]),
        startedAt: json["started_at"] == null ? null : DateTime.parse(json["started_at"]),
        completedAt: json["completed_at"] == null ? null : DateTime.parse(json["completed_at"]),
        updatedAt: json["updated_at"] == null ? null : DateTime.parse(json["updated_at"]),
        notBefore: json["not_before"] == null ? null : DateTime.parse(json["not_before"]),
        expireAt: json["expire_at"] == null ? null : DateTime.parse(json["expire_at"]),
        timings: json["timings"] == null ? null : Timings.fromJson(json["timings"]),
        cost: json["cost"] == null ? null : Cost.fromJson(json["cost"]),
        charge: json["charge"] == null ? null : CreditCharge.fromJson(json["charge"]),
        lease: json["lease"] == null ? null : HeldLease.fromJson(json["lease"]),
        dispatch: json["dispatch"] == null ? null : DispatchedJob.fromJson(json["dispatch"]),
        notify: json["notify"],
        sweepAfter: json["sweep_after"] == null ? null : DateTime.parse(json["sweep_after"]),
    );

    Map<String, dynamic> toJson() => {
        "input": Map.from(input).map((k, v) => MapEntry<String, dynamic>(k, v)),
        "status": statusValues.reverse[status],
        "created_at": createdAt.toIso8601String(),
        "kind": kindValues.reverse[kind],
        "cancel_requested": cancelRequested,
        "queue": queue?.toJson(),
        "progress": progress?.toJson(),
        "output": output?.toJson(),
        "error": error?.toJson(),
        "attempt": attempt,
        "queued_at": queuedAt?.toIso8601String(),
        "started_at": startedAt?.toIso8601String(),
        "completed_at": completedAt?.toIso8601String(),
        "updated_at": updatedAt?.toIso8601String(),
        "not_before": notBefore?.toIso8601String(),
        "expire_at": expireAt?.toIso8601String(),
        "timings": timings?.toJson(),
        "cost": cost?.toJson(),
        "charge": charge?.toJson(),
        "lease": lease?.toJson(),
        "dispatch": dispatch?.toJson(),
        "notify": notify,
        "sweep_after": sweepAfter?.toIso8601String(),
    };
}


///What it costs its owner; not there where the operator has no quotas.
class CreditCharge {
    final int credits;
    
    ///The day (UTC) that they count for, as `2026-11-23`.
    final String day;
    
    ///Known: `reserved`, `spent`, `refunded`; there may be others.
    final String state;

    CreditCharge({
        required this.credits,
        required this.day,
        required this.state,
    });

    factory CreditCharge.fromRawJson(String str) => CreditCharge.fromJson(json.decode(str));

    String toRawJson() => json.encode(toJson());

    factory CreditCharge.fromJson(Map<String, dynamic> json) => CreditCharge(
        credits: json["credits"],
        day: json["day"],
        state: json["state"],
    );

    Map<String, dynamic> toJson() => {
        "credits": credits,
        "day": day,
        "state": state,
    };
}


///What it took.
class Cost {
    
    ///How long the model worked on it.
    final double gpuSeconds;

    Cost({
        required this.gpuSeconds,
    });

    factory Cost.fromRawJson(String str) => Cost.fromJson(json.decode(str));

    String toRawJson() => json.encode(toJson());

    factory Cost.fromJson(Map<String, dynamic> json) => Cost(
        gpuSeconds: json["gpu_seconds"]?.toDouble(),
    );

    Map<String, dynamic> toJson() => {
        "gpu_seconds": gpuSeconds,
    };
}


///The last job that it was handed to, where the operator has RunPod start workers for it.
class DispatchedJob {
    final String endpoint;
    final String jobId;
    final DateTime at;
    
    ///The lease's then.
    final int token;

    DispatchedJob({
        required this.endpoint,
        required this.jobId,
        required this.at,
        required this.token,
    });

    factory DispatchedJob.fromRawJson(String str) => DispatchedJob.fromJson(json.decode(str));

    String toRawJson() => json.encode(toJson());

    factory DispatchedJob.fromJson(Map<String, dynamic> json) => DispatchedJob(
        endpoint: json["endpoint"],
        jobId: json["job_id"],
        at: DateTime.parse(json["at"]),
        token: json["token"],
    );

    Map<String, dynamic> toJson() => {
        "endpoint": endpoint,
        "job_id": jobId,
        "at": at.toIso8601String(),
        "token": token,
    };
}


///Why it failed, or, while it waits for another try, why the last one did.
class Failure {
    
    ///For the program. Known: `invalid_input`, `content_rejected`, `quota_exceeded`,
    ///`unsupported_task`, `input_unavailable`, `out_of_memory`, `engine_crashed`,
    ///`worker_lost`, `timed_out`, `service_unavailable`, `attempts_exhausted`, `internal`;
    ///there may be others.
    final String code;
    
    ///For the person, in English.
    final String message;
    
    ///The server tries these again by itself, three times at most.
    final bool retryable;
    final Quota? quota;

    Failure({
        required this.code,
        required this.message,
        required this.retryable,
        this.quota,
    });

    factory Failure.fromRawJson(String str) => Failure.fromJson(json.decode(str));

    String toRawJson() => json.encode(toJson());

    factory Failure.fromJson(Map<String, dynamic> json) => Failure(
        code: json["code"],
        message: json["message"],
        retryable: json["retryable"],
        quota: json["quota"] == null ? null : Quota.fromJson(json["quota"]),
    );

    Map<String, dynamic> toJson() => {
        "code": code,
        "message": message,
        "retryable": retryable,
        "quota": quota?.toJson(),
    };
}


///What was too much: credits, or of `concurrent` generations.
class Quota {
    
    ///Known: `daily_credits`, `concurrent`; there may be others.
    final String limit;
    final int allowed;
    
    ///Above `allowed`, the request never fits.
    final int needed;
    final int left;
    
    ///When there are new credits; not there for `concurrent`.
    final DateTime? renewsAt;

    Quota({
        required this.limit,
        required this.allowed,
        required this.needed,
        required this.left,
        this.renewsAt,
    });

    factory Quota.fromRawJson(String str) => Quota.fromJson(json.decode(str));

    String toRawJson() => json.encode(toJson());

    factory Quota.fromJson(Map<String, dynamic> json) => Quota(
        limit: json["limit"],
        allowed: json["allowed"],
        needed: json["needed"],
        left: json["left"],
        renewsAt: json["renews_at"] == null ? null : DateTime.parse(json["renews_at"]),
    );

    Map<String, dynamic> toJson() => {
        "limit": limit,
        "allowed": allowed,
        "needed": needed,
        "left": left,
        "renews_at": renewsAt?.toIso8601String(),
    };
}

enum Kind {
    IMAGE,
    VIDEO
}

final kindValues = EnumValues({
    "image": Kind.IMAGE,
    "video": Kind.VIDEO
});


///Who works on it: the server's own book-keeping.
class HeldLease {
    final int token;
    final String? workerId;
    final DateTime? expiresAt;

    HeldLease({
        required this.token,
        required this.workerId,
        required this.expiresAt,
    });

    factory HeldLease.fromRawJson(String str) => HeldLease.fromJson(json.decode(str));

    String toRawJson() => json.encode(toJson());

    factory HeldLease.fromJson(Map<String, dynamic> json) => HeldLease(
        token: json["token"],
        workerId: json["worker_id"],
        expiresAt: json["expires_at"] == null ? null : DateTime.parse(json["expires_at"]),
    );

    Map<String, dynamic> toJson() => {
        "token": token,
        "worker_id": workerId,
        "expires_at": expiresAt?.toIso8601String(),
    };
}


///Of pictures or of a film, whose fields are optional therefore.
class Output {
    
    ///That of the first picture, or of the film.
    final int seed;
    final String model;
    final Size nativeSize;
    
    ///Whether the end of a prompt was left out, because the model reads only so much.
    final bool promptTruncated;
    final SpeedTier? speedTier;
    
    ///The first of `images`.
    final String? imageUrl;
    final List<String>? images;
    final List<StoredFile> files;
    
    ///Whether the refiner took part.
    final bool? refiner;
    
    ///Those asked for, where there were any.
    final List<Lora>? loras;
    final FewSteps? fewSteps;
    final String? videoUrl;
    final List<String>? videos;
    final VideoInfo? videoInfo;
    
    ///Frames that the model drew, before they were stretched to what was asked.
    final int? nativeFrames;
    
    ///What `num_frames` was, where it was rounded.
    final int? requestedFrames;

    Output({
        required this.seed,
        required this.model,
        required this.nativeSize,
        required this.promptTruncated,
        this.speedTier,
        this.imageUrl,
        this.images,
        required this.files,
        this.refiner,
        this.loras,
        this.fewSteps,
        this.videoUrl,
        this.videos,
        this.videoInfo,
        this.nativeFrames,
        this.requestedFrames,
    });

    factory Output.fromRawJson(String str) => Output.fromJson(json.decode(str));

    String toRawJson() => json.encode(toJson());

    factory Output.fromJson(Map<String, dynamic> json) => Output(
        seed: json["seed"],
        model: json["model"],
        nativeSize: Size.fromJson(json["native_size"]),
        promptTruncated: json["prompt_truncated"],
        speedTier: speedTierValues.map[json["speed_tier"]],
        imageUrl: json["image_url"],
        images: json["images"] == null ? [] : List<String>.from(json["images"]!.map((x) => x)),
        files: List<StoredFile>.from(json["files"].map((x) => StoredFile.fromJson(x))),
        refiner: json["refiner"],
        loras: json["loras"] == null ? [] : List<Lora>.from(json["loras"]!.map((x) => Lora.fromJson(x))),
        fewSteps: json["few_steps"] == null ? null : FewSteps.fromJson(json["few_steps"]),
        videoUrl: json["video_url"],
        videos: json["videos"] == null ? [] : List<String>.from(json["videos"]!.map((x) => x)),
        videoInfo: json["video_info"] == null ? null : VideoInfo.fromJson(json["video_info"]),
        nativeFrames: json["native_frames"],
        requestedFrames: json["requested_frames"],
    );

    Map<String, dynamic> toJson() => {
        "seed": seed,
        "model": model,
        "native_size": nativeSize.toJson(),
        "prompt_truncated": promptTruncated,
        "speed_tier": speedTierValues.reverse[speedTier],
        "image_url": imageUrl,
        "images": images == null ? [] : List<dynamic>.from(images!.map((x) => x)),
        "files": List<dynamic>.from(files.map((x) => x.toJson())),
        "refiner": refiner,
        "loras": loras == null ? [] : List<dynamic>.from(loras!.map((x) => x.toJson())),
        "few_steps": fewSteps?.toJson(),
        "video_url": videoUrl,
        "videos": videos == null ? [] : List<dynamic>.from(videos!.map((x) => x)),
        "video_info": videoInfo?.toJson(),
        "native_frames": nativeFrames,
        "requested_frames": requestedFrames,
    };
}


///How a picture was drawn by a LoRA for few steps, in the place of what the request says.
class FewSteps {
    final String lora;
    final double weight;
    final int numInferenceSteps;
    final double guidanceScale;
    
    ///`euler_trailing`, `ddim_trailing` or `lcm`.
    final String sampler;

    FewSteps({
        required this.lora,
        required this.weight,
        required this.numInferenceSteps,
        required this.guidanceScale,
        required this.sampler,
    });

    factory FewSteps.fromRawJson(String str) => FewSteps.fromJson(json.decode(str));

    String toRawJson() => json.encode(toJson());

    factory FewSteps.fromJson(Map<String, dynamic> json) => FewSteps(
        lora: json["lora"],
        weight: json["weight"]?.toDouble(),
        numInferenceSteps: json["num_inference_steps"],
        guidanceScale: json["guidance_scale"]?.toDouble(),
        sampler: json["sampler"],
    );

    Map<String, dynamic> toJson() => {
        "lora": lora,
        "weight": weight,
        "num_inference_steps": numInferenceSteps,
        "guidance_scale": guidanceScale,
        "sampler": sampler,
    };
}


///One picture or film in Firebase Storage. Whoever has one of the addresses can read it.
class StoredFile {
    final String url;
    
    ///At most 256 pixels a side.
    final String thumbnailUrl;
    
    ///A placeholder of some 25 bytes as base64, to show until the picture is there.
    final String thumbhash;
    final String storagePath;
    final String contentType;
    final int sizeBytes;
    final int width;
    final int height;
    final int seed;
    final double? durationSeconds;
    
    ///The first frame in full size.
    final String? posterUrl;
    
    ///A small animated WebP, where the operator wants those.
    final String? previewUrl;

    StoredFile({
        required this.url,
        required this.thumbnailUrl,
        required this.thumbhash,
        required this.storagePath,
        required this.contentType,
        required this.sizeBytes,
        required this.width,
        required this.height,
        required this.seed,
        this.durationSeconds,
        this.posterUrl,
        this.previewUrl,
    });

    factory StoredFile.fromRawJson(String str) => StoredFile.fromJson(json.decode(str));

    String toRawJson() => json.encode(toJson());

    factory StoredFile.fromJson(Map<String, dynamic> json) => StoredFile(
        url: json["url"],
        thumbnailUrl: json["thumbnail_url"],
        thumbhash: json["thumbhash"],
        storagePath: json["storage_path"],
        contentType: json["content_type"],
        sizeBytes: json["size_bytes"],
        width: json["width"],
        height: json["height"],
        seed: json["seed"],
        durationSeconds: json["duration_seconds"]?.toDouble(),
        posterUrl: json["poster_url"],
        previewUrl: json["preview_url"],
    );

    Map<String, dynamic> toJson() => {
        "url": url,
        "thumbnail_url": thumbnailUrl,
        "thumbhash": thumbhash,
        "storage_path": storagePath,
        "content_type": contentType,
        "size_bytes": sizeBytes,
        "width": width,
        "height": height,
        "seed": seed,
        "duration_seconds": durationSeconds,
        "poster_url": posterUrl,
        "preview_url": previewUrl,
    };
}


///Pixels.
class Size {
    final int width;
    final int height;

    Size({
        required this.width,
        required this.height,
    });

    factory Size.fromRawJson(String str) => Size.fromJson(json.decode(str));

    String toRawJson() => json.encode(toJson());

    factory Size.fromJson(Map<String, dynamic> json) => Size(
        width: json["width"],
        height: json["height"],
    );

    Map<String, dynamic> toJson() => {
        "width": width,
        "height": height,
    };
}


///Measured from the file.
class VideoInfo {
    final int frames;
    final int width;
    final int height;
    final double fps;
    final double durationSeconds;
    final String codec;
    final String pixelFormat;
    
    ///Bits a second.
    final int bitRate;

    VideoInfo({
        required this.frames,
        required this.width,
        required this.height,
        required this.fps,
        required this.durationSeconds,
        required this.codec,
        required this.pixelFormat,
        required this.bitRate,
    });

    factory VideoInfo.fromRawJson(String str) => VideoInfo.fromJson(json.decode(str));

    String toRawJson() => json.encode(toJson());

    factory VideoInfo.fromJson(Map<String, dynamic> json) => VideoInfo(
        frames: json["frames"],
        width: json["width"],
        height: json["height"],
        fps: json["fps"]?.toDouble(),
        durationSeconds: json["duration_seconds"]?.toDouble(),
        codec: json["codec"],
        pixelFormat: json["pixel_format"],
        bitRate: json["bit_rate"],
    );

    Map<String, dynamic> toJson() => {
        "frames": frames,
        "width": width,
        "height": height,
        "fps": fps,
        "duration_seconds": durationSeconds,
        "codec": codec,
        "pixel_format": pixelFormat,
        "bit_rate": bitRate,
    };
}


///How far a worker is. At most one change a second; never backwards within an attempt.
class Progress {
    
    ///Share of the whole that is done.
    final double fraction;
    
    ///Known: `encode`, `denoise`, `refine`, `decode`, `store`; there may be others.
    final String stage;
    final int step;
    
    ///Some schedulers take one or two more than asked for.
    final int totalSteps;
    
    ///A small WebP picture of what is there so far; of a film its middle frame.
    final String? preview;

    Progress({
        required this.fraction,
        required this.stage,
        required this.step,
        required this.totalSteps,
        this.preview,
    });

    factory Progress.fromRawJson(String str) => Progress.fromJson(json.decode(str));

    String toRawJson() => json.encode(toJson());

    factory Progress.fromJson(Map<String, dynamic> json) => Progress(
        fraction: json["fraction"]?.toDouble(),
        stage: json["stage"],
        step: json["step"],
        totalSteps: json["total_steps"],
        preview: json["preview"],
    );

    Map<String, dynamic> toJson() => {
        "fraction": fraction,
        "stage": stage,
        "step": step,
        "total_steps": totalSteps,
        "preview": preview,
    };
}


///Where a generation stands that waits for a worker.
class Queue {
    
    ///Generations that will be begun before this one.
    final int ahead;
    
    ///Estimated seconds until it is begun; not there when nobody can know.
    final double? etaSeconds;

    Queue({
        required this.ahead,
        this.etaSeconds,
    });

    factory Queue.fromRawJson(String str) => Queue.fromJson(json.decode(str));

    String toRawJson() => json.encode(toJson());

    factory Queue.fromJson(Map<String, dynamic> json) => Queue(
        ahead: json["ahead"],
        etaSeconds: json["eta_seconds"]?.toDouble(),
    );

    Map<String, dynamic> toJson() => {
        "ahead": ahead,
        "eta_seconds": etaSeconds,
    };
}

enum Status {
    CANCELLED,
    COMPLETED,
    FAILED,
    PENDING,
    PROCESSING,
    QUEUED
}

final statusValues = EnumValues({
    "cancelled": Status.CANCELLED,
    "completed": Status.COMPLETED,
    "failed": Status.FAILED,
    "pending": Status.PENDING,
    "processing": Status.PROCESSING,
    "queued": Status.QUEUED
});


///Seconds by stage; a stage that there was none of is not there.
class Timings {
    final double? encode;
    final double? denoise;
    final double? refine;
    final double? decode;
    
    ///Of looking at the pictures, where that is done.
    final double? check;
    
    ///Of a film: from its last frame to the finished file.
    final double? encodeFilm;
    final double? compress;
    final double? upload;

    Timings({
        this.encode,
        this.denoise,
        this.refine,
        this.decode,
        this.check,
        this.encodeFilm,
        this.compress,
        this.upload,
    });

    factory Timings.fromRawJson(String str) => Timings.fromJson(json.decode(str));

    String toRawJson() => json.encode(toJson());

    factory Timings.fromJson(Map<String, dynamic> json) => Timings(
        encode: json["encode"]?.toDouble(),
        denoise: json["denoise"]?.toDouble(),
        refine: json["refine"]?.toDouble(),
        decode: json["decode"]?.toDouble(),
        check: json["check"]?.toDouble(),
        encodeFilm: json["encode_film"]?.toDouble(),
        compress: json["compress"]?.toDouble(),
        upload: json["upload"]?.toDouble(),
    );

    Map<String, dynamic> toJson() => {
        "encode": encode,
        "denoise": denoise,
        "refine": refine,
        "decode": decode,
        "check": check,
        "encode_film": encodeFilm,
        "compress": compress,
        "upload": upload,
    };
}

class EnumValues<T> {
    Map<String, T> map;
    late Map<T, String> reverseMap;

    EnumValues(this.map);

    Map<T, String> get reverse {
            reverseMap = map.map((k, v) => MapEntry(v, k));
            return reverseMap;
    }
}
