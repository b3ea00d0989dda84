using EveStorage.Cli.Api;
using EveStorage.Cli.Urls;

namespace EveStorage.Host.Lazy;

/// <summary>A volume that lies over its image while it is open in this process: those who use it, and the copy behind them.</summary>
internal sealed class AttachedVolume(PoolName pool, VolumeName name, LazyVolume volume, ByteSize rate, IEventSink events, TimeProvider time) : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private Task _copying = Task.CompletedTask;
    private string _state = LazyReport.Copying;
    private StorageException? _problem;

    /// <summary>How many have it open.</summary>
    internal int Users { get; set; }

    /// <summary>The volume.</summary>
    internal LazyVolume Volume => volume;

    /// <summary>What it is, for messages.</summary>
    internal string Subject => $"{pool}/{name}";

    /// <summary>Ended when it has become an ordinary volume; the registry then forgets it with its last user.</summary>
    internal bool IsOrdinary { get; private set; }

    /// <summary>Whether all of it is its own, and its map is closed.</summary>
    internal bool IsWhole => volume.IsOrdinary;

    /// <summary>How far it is.</summary>
    internal LazyReport Report => ReportOf(volume.Note, new(volume.Copied), volume.IsRefused ? LazyReport.Refused : _state, _problem is null ? null : Told(_problem, ErrorReport.Of(_problem).Message));

    /// <summary>How far one is.</summary>
    internal static LazyReport ReportOf(ImageNote note, ByteSize copied, string state, string? problem)
        => new(note.ImageName, note.Url is string url ? UrlRule.WithoutQuery(url) : note.Path!, copied, note.Size, state, problem);

    /// <summary>Begins to copy, and to become an ordinary volume then.</summary>
    /// <param name="finish">Makes it one, once nothing of it is its image's.</param>
    internal void Start(Func<Task> finish) => _copying = volume.IsRefused ? Task.CompletedTask : Task.Run(() => CopyAsync(finish));

    /// <summary>Stops copying. What was copied survives a crash.</summary>
    internal async Task StopAsync()
    {
        try
        {
            await _stop.CancelAsync();
        }
        catch (ObjectDisposedException)
        {
            // It has become an ordinary volume just now.
        }

        await _copying;
        if (!IsOrdinary && !volume.IsRefused)
        {
            try
            {
                await volume.FlushAsync(CancellationToken.None);
            }
            catch (StorageException e)
            {
                Tell(e);
            }
        }
    }

    /// <summary>Closes it. It is stopped, or an ordinary volume that nobody uses any more.</summary>
    public async ValueTask DisposeAsync()
    {
        await volume.DisposeAsync();
        _stop.Dispose();
    }

    private async Task CopyAsync(Func<Task> finish)
    {
        LazyCopy copy = new(volume, rate, Tell, time);
        try
        {
            await copy.RunAsync(_stop.Token);
            await copy.UntilDoneAsync(CheckAsync, _stop.Token);
            if (!volume.IsRefused)
            {
                await volume.MakeOrdinaryAsync();
                await copy.UntilDoneAsync(_ => finish(), _stop.Token);
                IsOrdinary = true;
                events.Report(new("image.copied", EventSeverity.Information, Subject, $"all of {volume.Note.ImageName} is copied: it is an ordinary volume now"));
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // told to stop
        }
    }

    private async Task CheckAsync(CancellationToken cancellationToken)
    {
        if (volume.Note.Sha256 is not string wanted)
        {
            return;
        }

        _state = LazyReport.Checking;
        string digest = await volume.Image.DigestAsync(static _ => { }, cancellationToken);
        if (!string.Equals(wanted, digest, StringComparison.OrdinalIgnoreCase))
        {
            await volume.RefuseAsync();
            events.Report(new("image.refused", EventSeverity.Critical, Subject, $"{volume.Note.ImageName} has the SHA-256 {digest}, and should have {wanted}: it is read and written no more"));
        }
    }

    private void Tell(StorageException? problem)
    {
        if (problem is not null && problem.Message != _problem?.Message)
        {
            events.Report(IsDamage(problem)
                ? new("image.damaged", EventSeverity.Critical, Subject, $"what is not copied can't be read: {Told(problem, problem.Message)}")
                : new("image.waits", EventSeverity.Warning, Subject, $"what is not copied can't be read or kept now: {Told(problem, problem.Message)}"));
        }
        else if (problem is null && _problem is not null)
        {
            events.Report(new("image.goes-on", EventSeverity.Information, Subject, $"{volume.Note.ImageName} is copied again"));
        }

        (_problem, _state) = (problem, problem is null ? LazyReport.Copying : IsDamage(problem) ? LazyReport.Damaged : LazyReport.Waits);
    }

    /// <summary>Whether the image is damaged. A pool that can't be what it claims to be is no fault of the image, whose advice would not mend it.</summary>
    internal static bool IsDamage(StorageException problem) => problem is UnreadableImageException { IsDamage: true };

    // Each pool has words of its own for a lack of room. An image that is mended is another one, which is not read.
    private static string Told(StorageException problem, string message)
        => problem.Kind == StorageErrorKind.OutOfSpace
            ? $"there is no room in its pool, and it goes on by itself once there is some ({message})"
            : IsDamage(problem)
            ? $"{message}; that stays so: write over it through an export, after which it goes on, or delete the volume and import a sound image"
            : message;
}
