using EveStorage.Host.Api;
using EveStorage.Host.Operations;
using EveStorage.Host.Profiles;
using EveStorage.Linux;

namespace EveStorage.Host.Urls;

/// <summary>Which URLs are fetched for whom: the daemon reaches places that a member of its group may not.</summary>
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

    /// <summary>Refuses a URL that is not for this caller: root and who runs the host may name any, others those that the profile allows.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Unavailable"/>: it is not.</exception>
    internal static void Require(Uri url, Caller caller, ImagesOptions options)
    {
        if (caller.UserId != 0 && caller.UserId != FileOwner.Ours && !options.Urls.Any(prefix => IsBelow(url, new(prefix))))
        {
            throw new StorageException(StorageErrorKind.Unavailable, NameOf(url), $"is not fetched for you from {url.GetLeftPart(UriPartial.Authority)}: root may, or the profile may allow it as Images:Urls; or fetch it yourself with curl and pipe it in");
        }
    }

    /// <summary>A request as it may be logged: what stands behind the ? of a URL is often what opens it.</summary>
    internal static ChangeRequest WithoutQuery(ChangeRequest request)
        => request is ImportImage { Url: string url } import ? import with { Url = WithoutQuery(url) } : request;

    /// <inheritdoc cref="WithoutQuery(ChangeRequest)"/>
    internal static string WithoutQuery(string url) => url.Split('?')[0];

    // By its parts: as texts, https://a.example would allow https://a.example.org. Uri has taken /../ out of the path by then.
    private static bool IsBelow(Uri url, Uri prefix)
        => url.Scheme == prefix.Scheme && url.Host == prefix.Host && url.Port == prefix.Port && url.AbsolutePath.StartsWith(prefix.AbsolutePath, StringComparison.Ordinal);
}
