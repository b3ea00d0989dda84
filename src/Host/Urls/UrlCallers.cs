using EveStorage.Cli.Urls;
using EveStorage.Host.Operations;
using EveStorage.Host.Profiles;
using EveStorage.Linux;

namespace EveStorage.Host.Urls;

/// <summary>Which URLs are fetched for whom: the daemon reaches places that a member of its group may not.</summary>
internal static class UrlCallers
{
    /// <summary>Refuses a URL that is not for this caller: root and who runs the host may name any, others those that the profile allows.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Unavailable"/>: it is not.</exception>
    internal static void Require(Uri url, Caller caller, ImagesOptions options)
    {
        if (caller.UserId != 0 && caller.UserId != FileOwner.Ours && !options.Urls.Any(prefix => IsBelow(url, new(prefix))))
        {
            throw new StorageException(StorageErrorKind.Unavailable, UrlRule.NameOf(url), $"is not fetched for you from {url.GetLeftPart(UriPartial.Authority)}: root may, or the profile may allow it as Images:Urls; or fetch it yourself with curl and pipe it in");
        }
    }

    // By its parts: as texts, https://a.example would allow https://a.example.org. Uri has taken /../ out of the path by then.
    private static bool IsBelow(Uri url, Uri prefix)
        => url.Scheme == prefix.Scheme && url.Host == prefix.Host && url.Port == prefix.Port && url.AbsolutePath.StartsWith(prefix.AbsolutePath, StringComparison.Ordinal);
}
