using EveStorage.Cli.Api;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;

namespace EveStorage.Host.Daemon;

/// <summary>
/// The API as OpenAPI describes it. It is made each time somebody asks, by an application that never starts: what makes it is a dozen libraries,
/// and a daemon that is asked for it once in its life, if ever, has none of them until then.
/// </summary>
internal static class ApiDescription
{
    private const string Version = "v1";

    /// <summary>Answers with it.</summary>
    internal static async Task WriteAsync(HttpContext context, Action<WebApplication> map)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new() { ApplicationName = "evestorage" });
        builder.WebHost.UseKestrelCore();
        builder.Services.AddRoutingCore();
        builder.Services.AddOpenApi(Version);
        builder.Services.ConfigureHttpJsonOptions(static json => ApiJson.Apply(json.SerializerOptions));
        builder.Services.AddScoped<IStorageApi>(static _ => throw new InvalidOperationException("Nobody is answered here."));
        await using WebApplication described = builder.Build();
        described.UseRouting();
        map(described);
        described.UseEndpoints(static _ => { });   // takes what was mapped; nothing is asked of it
        OpenApiDocument document = await described.Services.GetRequiredKeyedService<IOpenApiDocumentProvider>(Version).GetOpenApiDocumentAsync(context.RequestAborted);
        string text = await document.SerializeAsJsonAsync(OpenApiSpecVersion.OpenApi3_1, context.RequestAborted);
        await Results.Text(text, "application/json").ExecuteAsync(context);
    }
}
