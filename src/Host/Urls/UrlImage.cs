using System.Net;
using System.Net.Http;
using System.Net.Http.Headers;

namespace EveStorage.Host.Urls;

/// <summary>
/// An image at a URL whose server answers ranges: read in any order, in blocks, of which the last are kept. Ranges grow while
/// they are read in order, so that an image that lies in order comes in few requests. One reader at a time.
/// </summary>
internal sealed class UrlImage : IDisposable
{
    /// <summary>The length of a block: what is fetched at least, and lost when a connection breaks.</summary>
    internal const int BlockLength = 1 << 20;

    private const int LongestRange = 64;

    // What is passed over is cheaper to read than to ask anew, as far as this.
    private const int PassedOver = 2;

    private readonly UrlClient _client;
    private readonly UrlVersion _version;
    private readonly UrlLimits _limits;
    private readonly UrlPatience _patience;
    private readonly UrlBlocks _blocks;
    private HttpResponseMessage? _response;
    private Stream? _body;
    private long _next;
    private long _end;
    private int _range = 1;

    /// <summary>Begins with an answer to the first block.</summary>
    internal UrlImage(UrlClient client, HttpResponseMessage first, UrlVersion version, UrlOrder order)
    {
        _client = client;
        _version = version;
        _limits = order.Limits;
        Name = order.Name;
        Length = new(first.Content.Headers.ContentRange!.Length!.Value);
        Identity = $"{order.Url} {version} {Length.Bytes}";
        _patience = new(order.Name, order.Limits, order.Time);
        _blocks = new(order.Digest);
        first.Dispose();
    }

    /// <summary>What it is called.</summary>
    internal string Name { get; }

    /// <summary>How long it is.</summary>
    internal ByteSize Length { get; }

    /// <summary>Where it lies, and which state of it this is.</summary>
    internal string Identity { get; }

    /// <summary>How many bytes of it have come.</summary>
    internal long Fetched { get; private set; }

    /// <summary>Told each time that the server is waited for, in words for a person.</summary>
    internal Action<string> Waiting
    {
        set => _patience.Waiting = value;
    }

    /// <summary>Bytes from <paramref name="offset"/> on: at least one, and at most <paramref name="most"/>. Valid until the next call.</summary>
    /// <exception cref="StorageException">It has changed, or can't be fetched any more.</exception>
    internal async ValueTask<ReadOnlyMemory<byte>> ReadAsync(long offset, int most, CancellationToken cancellationToken)
    {
        long index = offset / BlockLength;
        while (_blocks.WantsBefore(index) is long earlier)
        {
            await BlockAsync(earlier, cancellationToken);
        }

        ReadOnlyMemory<byte> block = (await BlockAsync(index, cancellationToken))[(int)(offset % BlockLength)..];
        return block[..Math.Min(most, block.Length)];
    }

    /// <summary>The SHA-256 of all of it: what was not read in order is fetched once more.</summary>
    /// <exception cref="StorageException">It has changed, or can't be fetched any more.</exception>
    internal async Task<string> DigestAsync(Action<ByteSize> progress, CancellationToken cancellationToken)
    {
        while (_blocks.Digested * BlockLength < Length.Bytes)
        {
            await BlockAsync(_blocks.Digested, cancellationToken);
            progress(new(Math.Min(Length.Bytes, _blocks.Digested * BlockLength)));
        }

        return _blocks.Digest();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Close();
        _blocks.Dispose();
        _client.Dispose();
    }

    private async ValueTask<ReadOnlyMemory<byte>> BlockAsync(long index, CancellationToken cancellationToken)
        => _blocks.TryFind(index, out ReadOnlyMemory<byte> block)
            ? block
            : await _patience.RunAsync(stall => FetchAsync(index, stall), _limits.Patience, cancellationToken);

    private async Task<ReadOnlyMemory<byte>> FetchAsync(long index, UrlStall stall)
    {
        try
        {
            if (index < _next || index > _next + PassedOver)
            {
                await OpenAsync(index, stall);
            }

            while (true)
            {
                if (_body is null || _next == _end)
                {
                    await OpenAsync(_next, stall);   // who reads the next but one may come before who reads the next
                }

                Memory<byte> block = _blocks.Make(_next, (int)Math.Min(BlockLength, Length.Bytes - (_next * BlockLength)));
                for (int read = 0; read < block.Length;)
                {
                    int taken = await _body!.ReadAsync(block[read..], stall.Token);
                    read += taken > 0 ? taken : throw new IOException("its server ended an answer too early");
                    Fetched += taken;
                    stall.Heard();
                }

                _blocks.Keep();
                if (_next++ == index)
                {
                    return block;
                }
            }
        }
        catch
        {
            Close();
            throw;
        }
        finally
        {
            if (_next == _end)
            {
                Close();   // all of it was read, so that its connection serves the next
            }
        }
    }

    private async Task OpenAsync(long index, UrlStall stall)
    {
        Close();
        _range = index == _next ? Math.Min(2 * _range, LongestRange) : 1;
        long end = Math.Min(Length.Bytes, (index + _range) * BlockLength);
        HttpResponseMessage response = await _client.GetAsync(
            headers =>
            {
                headers.Range = new RangeHeaderValue(index * BlockLength, end - 1);
                _version.Require(headers);
            },
            stall.Token);
        _response = response;
        stall.Heard();
        ContentRangeHeaderValue? range = response.Content.Headers.ContentRange;
        if (response.StatusCode != HttpStatusCode.PartialContent || UrlVersion.Of(response) != _version || range?.Length != Length.Bytes)
        {
            throw _client.Changed();
        }

        if (range.From != index * BlockLength || range.To != end - 1)
        {
            throw new IOException("its server answered another range than was asked for");
        }

        _body = await response.Content.ReadAsStreamAsync(stall.Token);
        _next = index;
        _end = (end + BlockLength - 1) / BlockLength;
    }

    private void Close()
    {
        _body = null;
        _response?.Dispose();
        _response = null;
    }
}
