using EveStorage.Cli.Urls;
using EveStorage.Host.Images;
using EveStorage.Host.Urls;
using EveStorage.Host.Worker;
using EveStorage.Linux;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Host.Lazy;

/// <summary>
/// The image that a volume lies over. It is opened when it is first read, and again when its worker has ended; while it can't be, whoever
/// reads is told so at once, and it is tried again after a moment.
/// </summary>
internal sealed class ImageBehind(ImageNote note, ImageConversion images, TimeProvider time) : IAsyncDisposable
{
    // How long a server may be silent, and is asked again, before a guest is told that there is nothing: its own patience is 30 seconds.
    private static readonly UrlLimits s_limits = new(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(10));
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(2);

    private readonly SemaphoreSlim _one = new(1, 1);
    private ImageInput? _input;
    private SafeFileHandle? _file;
    private ServedImage? _served;
    private StorageException? _failure;
    private long _failed;
    private bool _hasChanged;
    private bool _isChecked;
    private bool _closed;

    /// <summary>What the disk has from <paramref name="offset"/> on.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Io"/>: it can't be read, now or there.</exception>
    internal async ValueTask<ImagePart> ReadAsync(long offset, Memory<byte> target, long most)
    {
        for (int ended = 0; ;)
        {
            ServedImage served = await OpenAsync();
            try
            {
                return await served.ReadAsync(offset, target, most);
            }
            catch (ServedImageEndedException)
            {
                ended += await GoesOnAsync(served, isLast: ended > 0) ? 0 : 1;
            }
            catch (StorageException e)
            {
                throw Unreadable(e);
            }
        }
    }

    /// <summary>Fills <paramref name="target"/>, unless all of it is zero: then nothing is put there.</summary>
    /// <returns>Whether it is zero.</returns>
    internal async ValueTask<bool> FillAsync(long offset, Memory<byte> target)
    {
        ImagePart first = await ReadAsync(offset, target, target.Length);
        if (first.IsZero && first.Length >= target.Length)
        {
            return true;
        }

        for (ImagePart part = first; ;)
        {
            int length = (int)Math.Min(part.Length, target.Length);
            if (part.IsZero)
            {
                target.Span[..length].Clear();
            }

            (offset, target) = (offset + length, target[length..]);
            if (target.IsEmpty)
            {
                return false;
            }

            part = await ReadAsync(offset, target, target.Length);
        }
    }

    /// <summary>Checks all tables of an image at a URL. Those of a file were checked before there was a volume.</summary>
    /// <exception cref="StorageException">They are damaged, or can't be fetched now.</exception>
    internal async Task CheckTablesAsync(CancellationToken cancellationToken)
    {
        if (note.Url is not null && !_isChecked)
        {
            try
            {
                await using ImageInput input = await OpenUrlAsync(digest: false, cancellationToken);
                await images.CheckAsync(input, new() { Format = note.ImageFormat, Snapshot = note.Snapshot }, goOver: true, cancellationToken);
                _isChecked = true;
            }
            catch (StorageException e)
            {
                throw Unreadable(e);
            }
        }
    }

    /// <summary>Refuses an image that has changed since it was opened. One that is not open is looked at when it is.</summary>
    /// <exception cref="StorageException">It has.</exception>
    internal async ValueTask RequireSameAsync()
    {
        await _one.WaitAsync();
        try
        {
            if ((_file is not null && LastingFile.IdentityOf(_file, note.ImageName) != note.Identity) || (_input is not null && !HasSameLinks()))
            {
                await CloseAsync();
                _hasChanged = true;
            }

            if (_hasChanged)
            {
                throw Changed();   // what was read before may have been wrong already: that it looks the same again makes it no better
            }
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>The SHA-256 of the image's file, all of which is read.</summary>
    /// <exception cref="StorageException">It can't be.</exception>
    internal async Task<string> DigestAsync(Action<ByteSize> progress, CancellationToken cancellationToken)
    {
        if (note.Url is null)
        {
            using SafeFileHandle file = LastingFile.Open(note.Path!, note.Identity, note.ImageName);
            return await FileDigest.OfAsync(file, note.ImageName, (done, _) => progress(done), cancellationToken);
        }

        await using ImageInput input = await OpenUrlAsync(digest: true, cancellationToken);
        return await input.Ranges!.DigestAsync(progress, cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _one.WaitAsync();
        try
        {
            _closed = true;
            await CloseAsync();
        }
        finally
        {
            _one.Release();
        }
    }

    private async ValueTask<ServedImage> OpenAsync()
    {
        if (Volatile.Read(ref _served) is { HasEnded: false } serving)
        {
            return serving;
        }

        await _one.WaitAsync();
        try
        {
            ObjectDisposedException.ThrowIf(_closed, this);
            if (_served is null or { HasEnded: true, Needs: null })
            {
                await StartAsync();
            }

            return _served!;
        }
        finally
        {
            _one.Release();
        }
    }

    private async ValueTask StartAsync()
    {
        if (_failure is not null && time.GetElapsedTime(_failed) < s_pause)
        {
            throw Unreadable(_failure);
        }

        await CloseAsync();
        try
        {
            await OpenInputAsync();
            Serve();
        }
        catch (StorageException e)
        {
            throw Failed(e);
        }
    }

    private void Serve() => Volatile.Write(ref _served, ServedImage.Start(_input!, images.RequestToServe(_input!, note)));

    private async Task OpenInputAsync()
    {
        if (note.Url is not null)
        {
            _input = await OpenUrlAsync(digest: false, CancellationToken.None);
            return;
        }

        _file = LastingFile.Open(note.Path!, note.Identity, note.ImageName);
        _input = new(_file, note.ImageName);
    }

    private async Task<ImageInput> OpenUrlAsync(bool digest, CancellationToken cancellationToken)
    {
        ImageInput input = await UrlOpening.OpenAsync(
            new() { Url = UrlRule.Parse(note.Url!), Name = note.ImageName, Limits = s_limits, Digest = digest, Time = time }, cancellationToken);
        if (input.Ranges?.Identity == note.Identity)
        {
            return input;
        }

        await input.DisposeAsync();
        throw Changed();
    }

    // A worker that lacks a file gets it, and is started again with it; one that ended otherwise is started again once.
    private async ValueTask<bool> GoesOnAsync(ServedImage served, bool isLast)
    {
        await _one.WaitAsync();
        try
        {
            if (served != _served)
            {
                return served.Needs is not null;   // another reader has seen to it
            }

            await served.DisposeAsync();
            if (served.Needs is OpenLink needed)
            {
                images.OpenLink(needed, _input!);
                if (!HasSameLinks())
                {
                    throw new StorageException(StorageErrorKind.Conflict, note.ImageName, "names a file that has changed");
                }

                Serve();
                return true;
            }

            await CloseAsync();
            return !isLast ? false : throw served.Failure ?? new(StorageErrorKind.Io, note.ImageName, "its worker answered nothing for too long and was ended");
        }
        catch (StorageException e)
        {
            await CloseAsync();
            throw Failed(e);
        }
        finally
        {
            _one.Release();
        }
    }

    // They are opened one after the other: those that are open by now are the first.
    private bool HasSameLinks()
        => _input!.LastingLinksIdentity is { Length: > 0 } links ? links == note.LinksIdentity || note.LinksIdentity.StartsWith($"{links}\n", StringComparison.Ordinal) : true;

    private async ValueTask CloseAsync()
    {
        if (_served is not null)
        {
            await _served.DisposeAsync();
            Volatile.Write(ref _served, null);
        }

        if (_input is not null)
        {
            await _input.DisposeAsync();
        }

        _file?.Dispose();
        (_input, _file) = (null, null);
    }

    private UnreadableImageException Failed(StorageException failure)
    {
        (_failure, _failed) = (failure, time.GetTimestamp());
        return Unreadable(failure);
    }

    private StorageException Changed() => new(StorageErrorKind.Conflict, note.ImageName, "has changed since its import began");

    private static UnreadableImageException Unreadable(StorageException e) => new(e);
}
