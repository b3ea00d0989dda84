using System.Reflection;
using System.Text.Json.Serialization.Metadata;
using EveStorage.Cli.Api;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;

namespace EveStorage.Host.Daemon;

/// <summary>Answers with a report, as <see cref="ApiDocuments"/> writes it. What that needs is made when something of its kind is first answered, and not for all addresses at a start.</summary>
internal sealed class Answer<T>(T report) : IResult, IEndpointMetadataProvider
{
    private const string Json = "application/json";

    /// <inheritdoc/>
    public Task ExecuteAsync(HttpContext httpContext)
        => httpContext.Response.WriteAsJsonAsync(report, (JsonTypeInfo<T>)ApiDocuments.Ours.GetTypeInfo(typeof(T))!, cancellationToken: httpContext.RequestAborted);

    /// <inheritdoc/>
    public static void PopulateMetadata(MethodInfo method, EndpointBuilder builder)
        => builder.Metadata.Add(new ProducesResponseTypeMetadata(StatusCodes.Status200OK, typeof(T), [Json]));
}

/// <summary>Makes answers.</summary>
internal static class Answer
{
    /// <summary>Answers with <paramref name="report"/>.</summary>
    internal static Answer<T> Of<T>(T report) => new(report);
}
