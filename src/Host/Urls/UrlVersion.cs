using System.Globalization;
using System.Net.Http;
using System.Net.Http.Headers;

namespace EveStorage.Host.Urls;

/// <summary>What tells one state of what lies at a URL from another: a strong entity tag, or when it was changed (RFC 9110, 8.8).</summary>
internal sealed record UrlVersion
{
    private readonly EntityTagHeaderValue? _tag;
    private readonly DateTimeOffset? _modified;

    private UrlVersion(EntityTagHeaderValue? tag, DateTimeOffset? modified) => (_tag, _modified) = (tag, modified);

    /// <summary>That of an answer; null when nothing tells it.</summary>
    internal static UrlVersion? Of(HttpResponseMessage response)
        => response.Headers.ETag is { IsWeak: false } tag ? new(tag, null)
            : response.Content.Headers.LastModified is DateTimeOffset modified ? new(null, modified)
            : null;

    /// <summary>Asks for nothing but this.</summary>
    internal void Require(HttpRequestHeaders headers)
    {
        if (_tag is not null)
        {
            headers.IfMatch.Add(_tag);
        }
        else
        {
            headers.IfUnmodifiedSince = _modified;
        }
    }

    /// <inheritdoc/>
    public override string ToString() => _tag?.Tag ?? _modified!.Value.ToString("R", CultureInfo.InvariantCulture);
}
