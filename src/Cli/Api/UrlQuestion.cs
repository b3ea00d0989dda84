namespace EveStorage.Cli.Api;

/// <summary>An image at a URL that is asked about.</summary>
internal sealed record UrlQuestion
{
    /// <summary>Where it lies.</summary>
    public required string Url { get; init; }

    /// <summary>Its format; null to find out.</summary>
    public string? Format { get; init; }
}
