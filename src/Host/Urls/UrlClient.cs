using System.Net;
using System.Net.Http;
using System.Net.Http.Headers;

namespace EveStorage.Host.Urls;

/// <summary>Asks for what lies at a URL, by http and https alone, wherever its server sends us.</summary>
internal sealed class UrlClient : IDisposable
{
    private const int MostRedirects = 8;
    private static readonly TimeSpan s_connect = TimeSpan.FromSeconds(15);

    private readonly HttpClient _http = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,   // the bytes that lie there are the image
        UseCookies = false,
        ConnectTimeout = s_connect,
    })
    {
        Timeout = Timeout.InfiniteTimeSpan,   // an image takes as long as it takes: each attempt has its own limit
    };

    private readonly Uri _asked;
    private readonly string _name;
    private Uri _found;

    /// <summary>Asks for nothing yet.</summary>
    /// <param name="url">Where it lies.</param>
    /// <param name="name">What it is called in messages.</param>
    internal UrlClient(Uri url, string name)
    {
        _asked = _found = url;
        _name = name;
    }

    /// <summary>Asks, and follows where the server sends us. The answer's body is the caller's to read.</summary>
    /// <exception cref="HttpRequestException">Trying again may help.</exception>
    /// <exception cref="StorageException">It is not there, or may not be fetched.</exception>
    internal async Task<HttpResponseMessage> GetAsync(Action<HttpRequestHeaders> prepare, CancellationToken cancellationToken)
    {
        // Where it was found the last time; a link that has run out since is asked for again.
        bool again = _found != _asked;
        Uri at = _found;
        for (int redirects = 0; ;)
        {
            HttpResponseMessage response = await SendAsync(at, prepare, cancellationToken);
            if (IsRedirect(response.StatusCode))
            {
                using (response)
                {
                    at = ++redirects <= MostRedirects
                        ? Next(at, response.Headers.Location)
                        : throw new StorageException(StorageErrorKind.Unavailable, _name, $"is redirected more than {MostRedirects} times");
                    continue;
                }
            }

            if (response.IsSuccessStatusCode)
            {
                _found = at;
                return response;
            }

            using (response)
            {
                _found = _asked;
                if (!again)
                {
                    throw Failure(response.StatusCode);
                }

                again = false;
                at = _asked;
                redirects = 0;
            }
        }
    }

    /// <summary>That it is no longer what it was.</summary>
    internal StorageException Changed() => new(StorageErrorKind.Conflict, _name, "has changed on its server since its first bytes were fetched: run it again");

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private async Task<HttpResponseMessage> SendAsync(Uri at, Action<HttpRequestHeaders> prepare, CancellationToken cancellationToken)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, at);
        request.Headers.AcceptEncoding.ParseAdd("identity");
        request.Headers.UserAgent.ParseAdd("evestorage");
        prepare(request.Headers);
        return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
    }

    private static bool IsRedirect(HttpStatusCode status)
        => status is HttpStatusCode.MovedPermanently or HttpStatusCode.Found or HttpStatusCode.SeeOther or HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect;

    private Uri Next(Uri from, Uri? location)
    {
        Uri to = location is null ? throw new StorageException(StorageErrorKind.Unavailable, _name, "is redirected to nowhere") : new(from, location);
        return to.Scheme != Uri.UriSchemeHttp && to.Scheme != Uri.UriSchemeHttps
            ? throw new StorageException(StorageErrorKind.NotSupported, _name, $"is redirected to a {to.Scheme} URL: only http and https are fetched")
            : from.Scheme == Uri.UriSchemeHttps && to.Scheme == Uri.UriSchemeHttp
            ? throw new StorageException(StorageErrorKind.NotSupported, _name, "is redirected from https to http, where anybody on the way could change it")
            : to;
    }

    private Exception Failure(HttpStatusCode status) => status switch
    {
        HttpStatusCode.NotFound or HttpStatusCode.Gone => new StorageException(StorageErrorKind.NotFound, _name, $"is not there: its server answered {(int)status}"),
        HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden or HttpStatusCode.ProxyAuthenticationRequired
            => new StorageException(StorageErrorKind.Unavailable, _name, $"may not be fetched: its server answered {(int)status}"),
        HttpStatusCode.PreconditionFailed => Changed(),
        HttpStatusCode.RequestedRangeNotSatisfiable => new StorageException(StorageErrorKind.Corrupt, _name, "is empty, or shorter than it was: an image holds at least one byte"),
        HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError
            => new HttpRequestException($"its server answered {(int)status}", null, status),
        _ => new StorageException(StorageErrorKind.Unavailable, _name, $"is not to be had: its server answered {(int)status}"),
    };
}
