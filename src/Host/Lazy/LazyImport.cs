using EveStorage.Cli.Api;
using EveStorage.Host.Composition;
using EveStorage.Host.Images;
using EveStorage.Host.Operations;
using EveStorage.Host.Operations.Changes;
using EveStorage.Linux;

namespace EveStorage.Host.Lazy;

/// <summary>A volume that is made of an image.</summary>
/// <param name="Name">Its name until it is there.</param>
/// <param name="Spec">As it is asked for.</param>
/// <param name="Stack">Its layers.</param>
/// <param name="Image">The image.</param>
/// <param name="Report">What that holds.</param>
internal sealed record LazyOrder(VolumeName Name, VolumeSpec Spec, LayerStack Stack, ImageInput Image, ImageReport Report);

/// <summary>Plans what comes after a volume was made: the map of what is copied, its name, and the copy.</summary>
internal static class LazyImport
{
    /// <summary>Plans it.</summary>
    /// <exception cref="StorageException">The image can't be read in any order, or not be found again.</exception>
    internal static async Task<Plan> PlanAsync(IStoragePool pool, ImportImage request, LazyOrder order, LazyVolumes lazy, PlanningContext context, CancellationToken cancellationToken)
    {
        if (!context.Serves)
        {
            throw new StorageException(StorageErrorKind.Unavailable, request.Subject, "is copied from its image while the daemon runs, and none does: start `evestorage serve`, or leave --lazy out");
        }

        if (request.Verify)
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, request.ImageName, "can't be compared with a volume that is written meanwhile: leave --verify out, and give its SHA-256");
        }

        ImageNote note = NoteOf(request, order, pool);
        (LayerStack mapStack, Plan create) = await MapVolume.PlanCreateAsync(pool, order.Spec.Size, order.Spec.Traits, context, cancellationToken);
        WriteMap write = new(
            pool,
            order.Name,
            ExportNames.AccessTo(pool, order.Name, order.Stack),
            ImageLayer.MapOf(context.Operation.Id),
            ExportNames.AccessTo(pool, ImageLayer.MapOf(context.Operation.Id), mapStack),
            (id, size) => note with { Volume = id, Size = size, Granule = LazyMap.GranuleFor(size) });
        return create
            .Then(Plan.Of(write))
            .Then(await pool.PlanRenameAsync(order.Name, request.Volume, cancellationToken))
            .Then(Plan.Of(new TakeUpVolume(lazy, pool, request.Volume, request.ImageName)));
    }

    private static ImageNote NoteOf(ImportImage request, LazyOrder order, IStoragePool pool)
    {
        ImageInput image = order.Image;
        if (order.Report.IsStream || !order.Report.InAnyOrder)
        {
            throw new StorageException(StorageErrorKind.NotSupported, image.Name, $"can't be read in any order{(order.Report.IsStream ? ", since it comes as a stream or is wrapped" : $" as a {order.Report.Format}")}: import it without --lazy");
        }

        string? identity = image.Ranges is not null ? image.Ranges.Identity : LastingFile.IdentityOf(image.Handle, image.Name);
        return new()
        {
            Volume = default,
            Size = order.Spec.Size,
            Granule = LazyMap.GranuleFor(order.Spec.Size),
            ReadsZero = PlanImportImage.ReadsZero(pool, order.Stack, order.Spec),
            ImageName = image.Name,
            Path = image.Ranges is null ? PathOf(image, identity) : null,
            Url = image.Ranges is null ? null : request.Url,
            Identity = identity!,
            LinksIdentity = image.LastingLinksIdentity,
            ImageFormat = order.Report.Format,
            Snapshot = request.Snapshot,
            Sha256 = request.Sha256,
        };
    }

    // After a restart nobody hands it over again.
    private static string PathOf(ImageInput image, string? identity)
    {
        if (identity is null)
        {
            throw new StorageException(StorageErrorKind.NotSupported, image.Name, "is no regular file, so that nobody could tell whether it has changed: import it without --lazy");
        }

        string path = LastingFile.PathOf(image.Handle, image.Name);
        try
        {
            LastingFile.Open(path, identity, image.Name).Dispose();
            return path;
        }
        catch (StorageException e)
        {
            throw new StorageException(StorageErrorKind.NotSupported, image.Name, $"would not be found again by the daemon ({e.Message}): put it where that sees it, or import it without --lazy", e);
        }
    }
}
