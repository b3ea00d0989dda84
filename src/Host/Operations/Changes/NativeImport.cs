using EveStorage.Cli.Api;
using EveStorage.Host.Composition;
using EveStorage.Host.Images;
using EveStorage.Host.Operations.Steps;
using EveStorage.Host.Worker;

namespace EveStorage.Host.Operations.Changes;

/// <summary>
/// An import that the pool does by itself, since the image is of the pool's own format: what can't be converted here, it may take, and
/// what can, it takes with all that a disk does not show, such as snapshots.
/// </summary>
internal static class NativeImport
{
    /// <summary>Looks at an image, and plans its import where the pool takes it.</summary>
    /// <returns>The plan, or null and what a conversion has to know.</returns>
    /// <exception cref="StorageException">Neither the pool takes it, nor can it be converted.</exception>
    internal static async Task<(Plan? Plan, ImageReport? Report)> LookAsync(
        ImportImage request, IStoragePool pool, ImageInput image, ImageQuestion question, PlanningContext context, CancellationToken cancellationToken)
    {
        // A pipe is read once, by the pool: that it is of the format has to be said then.
        if (image.IsPipe && request.Format is string said && Receiver(request, pool, said) is IImageReceiver taker)
        {
            return (await PlanAsync(request, taker, said, pool.Capabilities.Granularity, image, context, cancellationToken), null);
        }

        ImageReport report = await context.Images.PeekAsync(image, question, cancellationToken);
        if (report is { IsStream: false } && Receiver(request, pool, report.Format) is IImageReceiver receiver)
        {
            try
            {
                if (await PlanAsync(request, receiver, report.Format, report.VirtualSize, image, context, cancellationToken) is Plan plan)
                {
                    await using WorkerProcess? idle = image.TakeWorker();   // nobody needs who looked
                    return (plan, report);
                }
            }
            catch (StorageException e) when (e.Kind == StorageErrorKind.NotSupported && report.Refusal is null)
            {
                // It can be converted all the same.
            }
        }

        return report.Refusal is ErrorReport refusal ? throw refusal.ToException() : (null, report);
    }

    // What is compared, grown or taken out of an image has to be converted.
    private static IImageReceiver? Receiver(ImportImage request, IStoragePool pool, string format)
        => pool is IImageReceiver receiver && receiver.ReceivedFormats.Contains(format) && request is { Verify: false, Size: null, Snapshot: null } ? receiver : null;

    private static async Task<Plan?> PlanAsync(
        ImportImage request, IImageReceiver pool, string format, ByteSize size, ImageInput image, PlanningContext context, CancellationToken cancellationToken)
    {
        VolumeName temporary = VolumeName.ForOperation(context.Operation.Id);
        VolumeSpec spec = new() { Name = temporary, Form = VolumeForm.Block, Size = size, Traits = context.Parts.TraitsFor(pool, request.Traits) };
        if (VolumeComposer.Compose(spec, pool.Capabilities, context.Parts.LayersOf(pool.Name)).Any(placed => placed.Placement == LayerPlacement.OverVolume))
        {
            return null;   // what is received would lie below its layers, as it is
        }

        ReceivedImage received = new(image);
        context.Owns(received);
        Plan plan = await pool.PlanReceiveAsync(spec with { Traits = spec.Traits & pool.Capabilities.Traits }, format, received, cancellationToken);
        context.Result("format", format);
        context.Result("received", "natively");
        return new Plan([.. plan.Steps.Select(step => new ReceiveImage(step, received, request.Sha256, done => Mark(image, context, done), context.Result))])
            .Then(await pool.PlanRenameAsync(temporary, request.Volume, cancellationToken));
    }

    private static void Mark(ImageInput image, PlanningContext context, ByteSize done)
    {
        if (image.Identity is string source)
        {
            context.Mark(new() { Source = source, Links = image.LinksIdentity, Copied = done });
        }
    }
}
