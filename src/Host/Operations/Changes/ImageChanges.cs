using System.Globalization;
using EveStorage.Host.Api;
using EveStorage.Host.Composition;
using EveStorage.Host.Images;
using EveStorage.Host.Operations.Steps;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Host.Operations.Changes;

/// <summary>Makes a volume of an image: under a temporary name until it is whole, so that its rename is the commit.</summary>
internal sealed class PlanImportImage : ChangePlanner<ImportImage>
{
    /// <summary>The image's descriptor is gone with the process that had it.</summary>
    public override Recovery AfterCrash => Recovery.Undo;

    /// <inheritdoc/>
    protected override IEnumerable<string> Makes(ImportImage request, Guid operation) => [$"{VolumeName.ForOperation(operation)}"];

    /// <inheritdoc/>
    protected override async Task<Plan> PlanAsync(ImportImage request, PlanningContext context, CancellationToken cancellationToken)
    {
        IStoragePool pool = await context.Pools.OpenAsync(request.Pool, cancellationToken);
        await RequireFreeAsync(pool, request.Volume, context, cancellationToken);
        SafeFileHandle image = context.Image ?? throw new StorageException(StorageErrorKind.InvalidConfiguration, request.Subject, "came without its image");
        ImageReport report = await context.Images.GlanceAsync(image, request.ImageName, request.Format, cancellationToken);
        ByteSize size = request.Size ?? report.VirtualSize;
        if (report.VirtualSize.Bytes == 0)
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, request.ImageName, "has a disk of no size");
        }

        if (size < report.VirtualSize)
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, request.ImageName, $"has a disk of {report.VirtualSize}, more than {size}");
        }

        VolumeName temporary = VolumeName.ForOperation(context.Operation.Id);
        VolumeSpec spec = new() { Name = temporary, Form = VolumeForm.Block, Size = size, Traits = context.Parts.TraitsFor(pool, request.Traits) };
        context.Result("format", report.Format);
        context.Result("size", size.Bytes.ToString(CultureInfo.InvariantCulture));
        (LayerStack stack, Plan create) = await StackPlanner.PlanCreateAsync(context.Parts, pool, spec, context.Operation.Ids[$"{temporary}"], cancellationToken);
        bool thin = spec.Traits.HasFlag(VolumeTraits.Thin);
        FillOrder order = new()
        {
            Path = stack.Path,
            Size = size,
            ReadsZero = stack.KeepsZeroes && (thin ? pool.Capabilities.ThinReadsZero : pool.Capabilities.ThickReadsZero),
            TakesSpace = thin,
            Image = image,
            ImageName = request.ImageName,
            Format = report.Format,
            Verify = request.Verify,
        };
        return create.Then(Plan.Of(new FillVolume(pool, temporary, order, context.Images, context.Result)))
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

        VolumeName temporary = VolumeName.ForOperation(context.Operation.Id);
        VolumeInfo? made = await pool.FindVolumeAsync(temporary, cancellationToken);
        VolumeSpec spec = new()
        {
            Name = temporary,
            Form = VolumeForm.Block,
            Size = made?.Size ?? pool.Capabilities.Granularity,
            Traits = context.Parts.TraitsFor(pool, request.Traits) & pool.Capabilities.Traits,
        };
        Guid id = context.Operation.Ids[$"{temporary}"];
        LayerStack stack = context.Parts.StackOf(pool, temporary, id, (await pool.Records.FindAsync(temporary, cancellationToken))?.Layers ?? []);
        return (await StackPlanner.PlanKeysAsync(context.Parts, [stack], cancellationToken))
            .Then(await pool.PlanCreateAsync(spec, cancellationToken))
            .Then(await stack.PlanFormatAsync(cancellationToken));
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
        IImageWriter? writer = request.Format == WriteImage.Raw ? null : context.Images.WriterOf(request.Format, request.ImageName);
        IStoragePool pool = await context.Pools.OpenAsync(request.Pool, cancellationToken);
        VolumeRecord record = await RequireRecordAsync(pool, request.Volume, cancellationToken);
        LayerStack stack = context.Parts.StackOf(pool, request.Volume, record.Id, record.Layers);
        SafeFileHandle image = context.Image ?? throw new StorageException(StorageErrorKind.InvalidConfiguration, request.Subject, "came without a file to write");
        WriteImage.RequireEmpty(image, request.ImageName);
        WriteImage write = new(request.Subject, request.Volume, ExportNames.AccessTo(pool, request.Volume, stack), image, request.ImageName, writer);
        return (await stack.PlanOpenAsync(cancellationToken)).Then(Plan.Of(write));
    }

    /// <inheritdoc/>
    protected override Task<Plan?> PlanUndoAsync(SaveImage request, PlanningContext context, CancellationToken cancellationToken)
        => Task.FromResult<Plan?>(Plan.Of());
}
