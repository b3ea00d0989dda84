using EveStorage.Cli.Api;

namespace EveStorage.Cli.Urls;

/// <summary>What is a URL of an image, and what may be said of one.</summary>
internal static class UrlRule
{
    /// <summary>Whether a text is meant as a URL, and no file's name.</summary>
    internal static bool LooksLikeOne(string text) => text.Split("://", 2) is [{ Length: > 0 } scheme, _] && scheme.All(char.IsAsciiLetterOrDigit);

    /// <summary>What it is called in messages: the last part of its path, or its server.</summary>
    internal static string NameOf(Uri url) => url.Segments[^1].Trim('/') is { Length: > 0 } last ? last : url.Host;

    /// <summary>A URL that can be fetched.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.InvalidConfiguration"/>: it is none.</exception>
    internal static Uri Parse(string text)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out Uri? url))
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, text, "is no URL");
        }

        if (url.Scheme != Uri.UriSchemeHttp && url.Scheme != Uri.UriSchemeHttps)
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, NameOf(url), $"is at a {url.Scheme} URL: only http and https are fetched");
        }

        // It is journaled and shown with its operation.
        return url.UserInfo.Length == 0
            ? url
            : throw new StorageException(StorageErrorKind.InvalidConfiguration, NameOf(url), "has a password in its URL, which others would get to see: fetch it with curl and pipe it in");
    }

    /// <summary>A request as it may be logged: what stands behind the ? of a URL is often what opens it.</summary>
    internal static ChangeRequest WithoutQuery(ChangeRequest request)
        => request is ImportImage { Url: string url } import ? import with { Url = WithoutQuery(url) } : request;

    /// <inheritdoc cref="WithoutQuery(ChangeRequest)"/>
    internal static string WithoutQuery(string url) => url.Split('?')[0];
}
