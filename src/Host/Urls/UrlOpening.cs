using System.Net;
using System.Net.Http;
using EveStorage.Host.Images;

namespace EveStorage.Host.Urls;

/// <summary>What to fetch.</summary>
internal sealed record UrlOrder
{
    /// <summary>Where it lies.</summary>
    public required Uri Url { get; init; }

    /// <summary>What it is called in messages.</summary>
    public required string Name { get; init; }

    /// <summary>How long a server may take.</summary>
    public required UrlLimits Limits { get; init; }

    /// <summary>Whether its SHA-256 is wanted.</summary>
    public required bool Digest { get; init; }

    /// <summary>The clock.</summary>
    public required TimeProvider Time { get; init; }
}

/// <summary>Finds out how an image at a URL can be read.</summary>
internal static class UrlOpening
{
    /// <summary>
    /// Asks for its first byte. Where the server answers that range of a state that it can tell from others, the image is read in
    /// any order; else all of it comes once, as through a pipe.
    /// </summary>
    /// <exception cref="StorageException">It can't be fetched.</exception>
    internal static async Task<ImageInput> OpenAsync(UrlOrder order, CancellationToken cancellationToken)
    {
        UrlClient client = new(order.Url, order.Name);
        try
        {
            UrlPatience patience = new(order.Name, order.Limits, order.Time);
            HttpResponseMessage first = await patience.RunAsync(stall => client.GetAsync(static headers => headers.Range = new(0, 0), stall.Token), order.Limits.FirstPatience, cancellationToken);
            if (first.StatusCode == HttpStatusCode.PartialContent && first.Content.Headers.ContentRange is { From: 0, Length: > 0 } && UrlVersion.Of(first) is UrlVersion version)
            {
                return new(new UrlImage(client, first, version, order));
            }

            if (first.StatusCode == HttpStatusCode.PartialContent)
            {
                first.Dispose();
                first = await patience.RunAsync(stall => client.GetAsync(static _ => { }, stall.Token), order.Limits.FirstPatience, cancellationToken);
            }

            return new(new UrlStream(client, first, order));
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }
}
