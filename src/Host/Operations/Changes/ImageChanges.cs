using System.Globalization;
using EveStorage.Cli.Api;
using EveStorage.Cli.Urls;
using EveStorage.Host.Composition;
using EveStorage.Host.FileSystems;
using EveStorage.Host.Images;
using EveStorage.Host.Lazy;
using EveStorage.Host.Operations.Steps;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Host.Operations.Changes;

/// <summary>Makes a volume of an image: under a temporary name until it is whole, so that its rename is the commit.</summary>
internal sealed class PlanImportImage(LazyVolumes lazy) : ChangePlanner<ImportImage>
{
    /// <summary>The image's descriptor is gone with the process that had it. What was copied may be kept for the next one.</summary>
    public override Recovery AfterCrash => Recovery.Undo;

    /// <inheritdoc/>
    protected override IEnumerable<string> Makes(ImportImage request, Guid operation)
        => [$"{VolumeName.ForOperation(operation)}", request.Lazy ? $"{ImageLayer.MapOf(operation)}" : $"{ImageSpool.NameFor(operation)}"];

    /// <inheritdoc/>
    protected override async Task<Plan> PlanAsync(ImportImage request, PlanningContext context, CancellationToken cancellationToken)
    {
        IStoragePool pool = await context.Pools.OpenAsync(request.Pool, cancellationToken);
        await RequireFreeAsync(pool, request.Volume, context, cancellationToken);
        RequireDigest(request);
        ImageQuestion question = new() { Format = request.Format, Snapshot = request.Snapshot, StreamLength = request.Size };
        ImageInput image = await OpenAsync(request, question, context, cancellationToken);
        context.Owns(image);
        (Plan? native, ImageReport? looked) = request.Lazy
            ? (null, await context.Images.CheckAsync(image, question, goOver: image.Ranges is null && !image.IsPipe, cancellationToken))
            : await NativeImport.LookAsync(request, pool, image, question, context, cancellationToken);
        if (native is not null)
        {
            return native;
        }

        ImageReport report = looked ?? await context.Images.GlanceAsync(image, question, cancellationToken);
        ByteSize size = SizeFor(request, report);
        VolumeName temporary = VolumeName.ForOperation(context.Operation.Id);
        VolumeSpec spec = new() { Name = temporary, Form = VolumeForm.Block, Size = size, Traits = context.Parts.TraitsFor(pool, request.Traits), Layers = request.Lazy ? [ImageLayer.Record] : [] };
        context.Result("format", report.Format);
        if (report.JailLacks is string lacks)
        {
            context.Result("jailLacks", lacks);
        }

        context.Result("size", size.Bytes.ToString(CultureInfo.InvariantCulture));
        (LayerStack stack, Plan create) = await StackPlanner.PlanCreateAsync(context.Parts, pool, spec, context.Operation.Ids[$"{temporary}"], cancellationToken);
        if (request.Lazy)
        {
            return create.Then(await LazyImport.PlanAsync(pool, request, new(temporary, spec, stack, image, report), lazy, context, cancellationToken));
        }

        ImageSpool? spool = report.IsStream && !report.NeedsLength ? await ImageSpool.PlanAsync(pool, report.VirtualSize, context, cancellationToken) : null;
        bool thin = spec.Traits.HasFlag(VolumeTraits.Thin);
        FillOrder order = new()
        {
            Subject = request.Subject,
            Path = stack.Path,
            Size = size,
            ReadsZero = ReadsZero(pool, stack, spec),
            TakesSpace = thin,
            Image = image,
            Question = question with { Format = report.Format },
            Spool = spool,
            Source = report.IsStream ? null : image.Identity,
            From = await FromAsync(pool, temporary, context, cancellationToken),
            Mark = context.Mark,
            Verify = request.Verify,
            Sha256 = request.Sha256,
        };
        return create.Then(spool?.Create ?? Plan.Of())
            .Then(Plan.Of(new FillVolume(pool, temporary, order, context.Images, context.Result)))
            .Then(spool?.TakeBack ?? Plan.Of())
            .Then(await pool.PlanRenameAsync(temporary, request.Volume, cancellationToken));
    }

    /// <inheritdoc/>
    protected override async Task<Plan?> PlanUndoAsync(ImportImage request, PlanningContext context, CancellationToken cancellationToken)
    {
        IStoragePool pool = await context.Pools.OpenAsync(request.Pool, cancellationToken);
        OwnerMark ours = OwnerMark.Of(context.Operation.Id);
        if ((await pool.Records.FindAsync(request.Volume, cancellationToken))?.Mark == ours)
        {
            return null;   // it was renamed: that was the commit
        }

        return (await PlanUndoAsync(pool, VolumeName.ForOperation(context.Operation.Id), request.Traits, context, cancellationToken))
            .Then(await PlanUndoAsync(pool, request.Lazy ? ImageLayer.MapOf(context.Operation.Id) : ImageSpool.NameFor(context.Operation.Id), VolumeTraits.Thin, context, cancellationToken));
    }

    private static async Task<Plan> PlanUndoAsync(
        IStoragePool pool, VolumeName temporary, VolumeTraits traits, PlanningContext context, CancellationToken cancellationToken)
    {
        VolumeInfo? made = await pool.FindVolumeAsync(temporary, cancellationToken);
        VolumeSpec spec = new()
        {
            Name = temporary,
            Form = VolumeForm.Block,
            Size = made?.Size ?? pool.Capabilities.Granularity,
            Traits = context.Parts.TraitsFor(pool, traits) & pool.Capabilities.Traits,
        };
        Guid id = context.Operation.Ids.TryGetValue($"{temporary}", out Guid drawn) ? drawn : default;
        LayerStack stack = context.Parts.StackOf(pool, temporary, id, await pool.Records.FindAsync(temporary, cancellationToken));
        return (await StackPlanner.PlanKeysAsync(context.Parts, [stack], cancellationToken))
            .Then(await pool.PlanCreateAsync(spec, cancellationToken))
            .Then(await stack.PlanFormatAsync(cancellationToken));
    }

    private static async Task<ImageInput> OpenAsync(ImportImage request, ImageQuestion question, PlanningContext context, CancellationToken cancellationToken)
        => request.Url is not string url
            ? context.Images.Of(context.Image ?? throw new StorageException(StorageErrorKind.InvalidConfiguration, request.Subject, "came without its image"), request.ImageName, question, request.Sha256 is not null)
            : context.Image is null
            ? await context.Images.OpenUrlAsync(UrlRule.Parse(url), request.ImageName, request.Sha256 is not null, cancellationToken)
            : throw new StorageException(StorageErrorKind.InvalidConfiguration, request.Subject, "came with an image and a URL: name one of them");

    // A volume that was made anew has nothing of what one of its name had.
    private static async Task<CopyMark?> FromAsync(IStoragePool pool, VolumeName temporary, PlanningContext context, CancellationToken cancellationToken)
    {
        if (context.From is null
            || (await pool.FindVolumeAsync(temporary, cancellationToken) is not null && (await pool.Records.FindAsync(temporary, cancellationToken))?.Mark == OwnerMark.Of(context.Operation.Id)))
        {
            return context.From;
        }

        context.Forget();
        return null;
    }

    /// <summary>Whether a new volume reads as zeros.</summary>
    internal static bool ReadsZero(IStoragePool pool, LayerStack stack, VolumeSpec spec)
        => stack.KeepsZeroes && (spec.Traits.HasFlag(VolumeTraits.Thin) ? pool.Capabilities.ThinReadsZero : pool.Capabilities.ThickReadsZero);

    private static ByteSize SizeFor(ImportImage request, ImageReport report)
    {
        if (report.VirtualSize.Bytes == 0)
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, request.ImageName, "has a disk of no size");
        }

        if (request.Size is ByteSize size && size < report.VirtualSize)
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, request.ImageName, $"has a disk of {report.VirtualSize}, more than {size}");
        }

        return request.Verify && report.IsStream
            ? throw new StorageException(
                StorageErrorKind.InvalidConfiguration, request.ImageName, "comes as a stream, which is read once and can't be compared: leave --verify out, and give its SHA-256")
            : request.Size ?? report.VirtualSize;
    }

    private static void RequireDigest(ImportImage request)
    {
        if (request.Sha256 is string digest && (digest.Length != 64 || !digest.All(char.IsAsciiHexDigit)))
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, request.ImageName, "was given a SHA-256 that is none: 64 hexadecimal digits");
        }
    }
}

/// <summary>Writes a volume to an image.</summary>
internal sealed class PlanSaveImage : ChangePlanner<SaveImage>
{
    /// <summary>The file is the caller's, and gone with it.</summary>
    public override Recovery AfterCrash => Recovery.Undo;

    /// <inheritdoc/>
    protected override async Task<Plan> PlanAsync(SaveImage request, PlanningContext context, CancellationToken cancellationToken)
    {
        ImageForm form = context.Images.FormOf(request);
        IStoragePool pool = await context.Pools.OpenAsync(request.Pool, cancellationToken);
        VolumeRecord record = await RequireRecordAsync(pool, request.Volume, cancellationToken);
        LayerStack stack = context.Parts.StackOf(pool, request.Volume, record.Id, record);
        MountPlans.RequireDisk(stack, request.Subject);
        SafeFileHandle image = context.Image ?? throw new StorageException(StorageErrorKind.InvalidConfiguration, request.Subject, "came without a file to write");
        WriteImage.RequireEmpty(image, request.ImageName);
        WriteImage write = new(request.Subject, request.Volume, ExportNames.AccessTo(pool, request.Volume, stack), image, request.ImageName, form, context.Result);
        return (await stack.PlanOpenAsync(cancellationToken)).Then(Plan.Of(write));
    }

    /// <inheritdoc/>
    protected override Task<Plan?> PlanUndoAsync(SaveImage request, PlanningContext context, CancellationToken cancellationToken)
        => Task.FromResult<Plan?>(Plan.Of());
}
