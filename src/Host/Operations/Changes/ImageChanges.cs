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
        if (await pool.FindVolumeAsync(request.Volume, cancellationToken) is not null)
        {
            throw new StorageException(StorageErrorKind.Conflict, request.Subject, "exists: choose another name, or delete it first");
        }

        SafeFileHandle image = context.Image ?? throw new StorageException(StorageErrorKind.InvalidConfiguration, request.Subject, "came without its image");
        ImageReport report = await context.Images.InspectAsync(image, request.ImageName, request.Format, cancellationToken);
        ByteSize size = request.Size ?? report.VirtualSize;
        if (size < report.VirtualSize)
        {
            throw new StorageException(StorageErrorKind.Conflict, request.ImageName, $"has a disk of {report.VirtualSize}, more than {size}");
        }

        VolumeName temporary = VolumeName.ForOperation(context.Operation.Id);
        VolumeSpec spec = new() { Name = temporary, Form = VolumeForm.Block, Size = size, Traits = request.Traits };
        context.Result("format", report.Format);
        context.Result("size", size.ToString());
        (VolumeStack _, Plan create) = await StackPlanner.PlanCreateAsync(
            pool, spec, context.Operation.Ids[$"{temporary}"], context.Parts.LayersOf(request.Pool), cancellationToken);
        FillVolume fill = new(pool, temporary, size, image, request.ImageName, report.Format, request.Verify, context.Images, context.Result);
        return create.Then(Plan.Of(fill)).Then(await pool.PlanRenameAsync(temporary, request.Volume, cancellationToken));
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
        return await pool.PlanCreateAsync(
            new() { Name = temporary, Form = VolumeForm.Block, Size = made?.Size ?? pool.Capabilities.Granularity, Traits = request.Traits & pool.Capabilities.Traits },
            cancellationToken);
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
        if (request.Format != "raw")
        {
            throw new StorageException(StorageErrorKind.NotSupported, request.ImageName, $"'{request.Format}' can't be written; there is raw");
        }

        IStoragePool pool = await context.Pools.OpenAsync(request.Pool, cancellationToken);
        await RequireAsync(pool, request.Volume, cancellationToken);
        SafeFileHandle image = context.Image ?? throw new StorageException(StorageErrorKind.InvalidConfiguration, request.Subject, "came without a file to write");
        WriteImage.RequireEmpty(image, request.ImageName);
        return Plan.Of(new WriteImage(pool, request.Volume, image, request.ImageName));
    }

    /// <inheritdoc/>
    protected override Task<Plan?> PlanUndoAsync(SaveImage request, PlanningContext context, CancellationToken cancellationToken)
        => Task.FromResult<Plan?>(Plan.Of());
}
