using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Primitives;

namespace EveStorage.Tests;

/// <summary>A web server on the loopback that has one image, and does with each request what the test says.</summary>
internal sealed class ImageServer : IAsyncDisposable
{
    /// <summary>How long a piece is that it sends.</summary>
    internal const int Step = 64 << 10;

    private readonly WebApplication _web;
    private long _sent;

    private ImageServer(WebApplication web) => _web = web;

    /// <summary>Where the image is.</summary>
    internal string Url => $"{_web.Urls.Single()}/disk.img";

    /// <summary>The image.</summary>
    internal byte[] Image { get; set; } = [];

    /// <summary>Whether it answers ranges.</summary>
    internal bool Ranges { get; set; } = true;

    /// <summary>What tells this state of the image from another; null for nothing.</summary>
    internal string? Tag { get; set; } = "\"one\"";

    /// <summary>Called before a request is answered; answers it itself, and true, or leaves it.</summary>
    internal Func<HttpContext, Task<bool>> Instead { get; set; } = static _ => Task.FromResult(false);

    /// <summary>Called before each piece that is sent, with where it begins.</summary>
    internal Func<HttpContext, long, Task> Sending { get; set; } = static (_, _) => Task.CompletedTask;

    /// <summary>How many bytes it has sent.</summary>
    internal long Sent => Interlocked.Read(ref _sent);

    /// <summary>The ranges that it was asked for.</summary>
    internal ConcurrentQueue<string> Asked { get; } = new();

    /// <summary>Starts one.</summary>
    internal static async Task<ImageServer> StartAsync(byte[]? image = null)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        ImageServer server = new(builder.Build()) { Image = image ?? [] };
        server._web.Run(server.AnswerAsync);
        await server._web.StartAsync();
        return server;
    }

    public ValueTask DisposeAsync() => _web.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        Asked.Enqueue(context.Request.Headers.Range.ToString());
        if (await Instead(context))
        {
            return;
        }

        HttpResponse response = context.Response;
        if (Tag is not null)
        {
            response.Headers.ETag = Tag;
        }

        if (context.Request.Headers.IfMatch is { Count: > 0 } wanted && wanted != new StringValues(Tag))
        {
            response.StatusCode = StatusCodes.Status412PreconditionFailed;
            return;
        }

        long from = 0;
        long end = Image.Length;
        if (Ranges && context.Request.Headers.Range.ToString().Split('=', '-') is [_, string first, string last])
        {
            from = long.Parse(first, CultureInfo.InvariantCulture);
            end = Math.Min(Image.Length, long.Parse(last, CultureInfo.InvariantCulture) + 1);
            response.StatusCode = StatusCodes.Status206PartialContent;
            response.Headers.ContentRange = $"bytes {from}-{end - 1}/{Image.Length}";
        }

        response.ContentLength = end - from;
        for (long at = from; at < end; at += Step)
        {
            await Sending(context, at);
            int length = (int)Math.Min(Step, end - at);
            await response.Body.WriteAsync(Image.AsMemory((int)at, length), context.RequestAborted);
            Interlocked.Add(ref _sent, length);
        }
    }
}
